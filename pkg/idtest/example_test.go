package idtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"github.com/idctl/idctl/pkg/idtest"
)

func Example() {
	ctx := context.Background()
	srv, err := idtest.Start(ctx) // in a test: srv := idtest.New(t)
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		if err := srv.Close(); err != nil {
			log.Print(err)
		}
	}()
	_, err = srv.Seed(ctx, idtest.Document{Type: "User", Attrs: map[string]any{
		"schemas":  []any{"urn:ietf:params:scim:schemas:core:2.0:User"},
		"userName": "ada@example.com",
		"name":     map[string]any{"givenName": "Ada", "familyName": "Lovelace"},
		"emails":   []any{map[string]any{"value": "ada@example.com", "type": "work", "primary": true}},
	}})
	if err != nil {
		log.Print(err)
		return
	}

	// The second request for users meets a rate limit.
	if err := srv.Faults("429:every=2,path=/admin/v1/Users"); err != nil {
		log.Print(err)
		return
	}
	for range 2 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/admin/v1/Users?attributes=userName", nil)
		if err != nil {
			log.Print(err)
			return
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			log.Print(err)
			return
		}
		var list struct {
			Total     int `json:"totalResults"`
			Resources []struct{ UserName string }
		}
		err = json.NewDecoder(resp.Body).Decode(&list)
		_ = resp.Body.Close()
		fmt.Println(resp.StatusCode, list.Total, list.Resources, err)
	}
	// Output:
	// 200 1 [{ada@example.com}] <nil>
	// 429 0 [] <nil>
}
