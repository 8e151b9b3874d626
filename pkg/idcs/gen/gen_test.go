package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGeneratedFilesAreCurrent runs the generator over the reference and
// compares the result with what lies in the package.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	ref := os.Getenv("IDCTL_REFERENCE")
	if ref == "" {
		ref = filepath.Join("..", "..", "..", "..", "shared", "reference")
	}
	ref = filepath.Join(ref, "idcs")
	if _, err := os.Stat(ref); err != nil {
		t.Skipf("NOT CHECKED: no reference data at %s; set IDCTL_REFERENCE", ref)
	}
	out := t.TempDir()
	if err := run(ref, out); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(out, "*.go"))
	if err != nil || len(names) < 8 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", filepath.Base(name)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("%s is stale: run go generate ./pkg/idcs", filepath.Base(name))
		}
	}
}

func TestRunRefusesDamagedReference(t *testing.T) {
	good := map[string]string{
		"common.json":        `{"common":[]}`,
		"operations.json":    `{"operations":[{"verb":"get","path":"/admin/v1/Xs/{id}","resourceType":"X","pathParams":["id"]}]}`,
		"schemas/X.json":     `{"resourceType":"X","endpoint":"/admin/v1/Xs","verbs":["get"],"attributes":[]}`,
		"schemas/User.json":  `{"resourceType":"User","endpoint":"/admin/v1/Users","verbs":[],"attributes":[]}`,
		"schemas/other.json": ``,
	}
	tests := map[string]func(map[string]string){
		"broken json": func(m map[string]string) { m["schemas/other.json"] = "{" },
		"verbs disagree": func(m map[string]string) {
			m["schemas/X.json"] = `{"resourceType":"X","endpoint":"/admin/v1/Xs","verbs":["put"]}`
		},
		"foreign endpoint": func(m map[string]string) {
			m["schemas/X.json"] = `{"resourceType":"X","endpoint":"/job/v1/Xs","verbs":["get"]}`
		},
		"type without calls": func(map[string]string) {},
		"no schemas": func(m map[string]string) {
			delete(m, "schemas/X.json")
			delete(m, "schemas/User.json")
		},
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for k, v := range good {
				files[k] = v
			}
			damage(files)
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "schemas"), 0o755); err != nil {
				t.Fatal(err)
			}
			for k, v := range files {
				if v == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, k), []byte(v), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := run(dir, t.TempDir()); err == nil {
				t.Error("the generator accepted it")
			}
		})
	}
	if err := run("", t.TempDir()); err == nil {
		t.Error("no -ref was accepted")
	}
}

func TestGoName(t *testing.T) {
	for in, want := range map[string]string{
		"userName": "UserName", "$ref": "Ref", "id": "ID", "idcsCreatedBy": "IDCSCreatedBy", "serviceTypeURN": "ServiceTypeURN",
		"oAuth2ClientCredentials": "OAuth2ClientCredentials", "redirectUris": "RedirectURIs", "isOPCService": "IsOPCService",
		"x509Certificates": "X509Certificates", "domainOcid": "DomainOCID",
	} {
		if got := goName(in); got != want {
			t.Errorf("goName(%s) = %s, want %s", in, got, want)
		}
	}
}
