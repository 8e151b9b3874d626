module github.com/idctl/idctl/internal/sdktest

go 1.26.0

replace github.com/idctl/idctl => ../..

require (
	github.com/google/go-cmp v0.7.0
	github.com/idctl/idctl v0.0.0-00010101000000-000000000000
	github.com/oracle/oci-go-sdk/v65 v65.129.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/gofrs/flock v0.13.1 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	github.com/youmark/pkcs8 v0.0.0-20240726163527-a2c0da244d78 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)
