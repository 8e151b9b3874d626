package adminroles_test

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/spf13/cobra"

	"github.com/idctl/idctl/internal/cli/adminroles"
	"github.com/idctl/idctl/internal/cli/cmdutil"
	"github.com/idctl/idctl/internal/cli/directory/dirtest"
	"github.com/idctl/idctl/internal/config"
	"github.com/idctl/idctl/pkg/transport"
	"github.com/idctl/idctl/pkg/transport/tokens"
)

// TestCan: what a token says of its roles decides, and where it says too
// little nothing is claimed.
func TestCan(t *testing.T) {
	for _, tc := range []struct {
		name, claims, verb, noun string
		code                     int
	}{
		{"client may", `{"sub_type":"client","clientAppRoles":["User Administrator"]}`, "create", "users", 0},
		{"client may not", `{"sub_type":"client","clientAppRoles":["User Administrator"]}`, "create", "apps", 4},
		{"other roles only", `{"sub_type":"client","clientAppRoles":["Signin"]}`, "list", "users", 4},
		{"both may", `{"sub_type":"user","clientAppRoles":["User Administrator"],"userAppRoles":["User Administrator"]}`, "create", "users", 0},
		{"the user alone", `{"sub_type":"user","clientAppRoles":["Me"],"userAppRoles":["User Administrator"]}`, "create", "users", 1},
		{"the client alone", `{"sub_type":"user","clientAppRoles":["User Administrator"],"userAppRoles":["Audit Administrator"]}`, "create", "users", 4},
		{"no roles", `{"sub_type":"client"}`, "create", "users", 1},
		{"unknown verb", `{"sub_type":"client"}`, "fly", "users", 64},
		{"unknown noun", `{"sub_type":"client"}`, "create", "nothings", 64},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := dirtest.New(t)
			raw := "h." + base64.RawURLEncoding.EncodeToString([]byte(tc.claims)) + ".s"
			can := func(d *cmdutil.Deps) *cobra.Command {
				d.Profile = func() (*config.Resolved, error) { return &config.Resolved{}, nil }
				d.Tokens = func(context.Context, *config.Resolved) (transport.TokenSource, error) {
					return tokens.Static(transport.Secret(raw)), nil
				}
				return adminroles.NewCan(d)
			}
			if r := e.Run(t, can, "", tc.verb, tc.noun); r.Code != tc.code {
				t.Errorf("exit code %d, want %d: %v", r.Code, tc.code, r.Failure)
			}
			if calls := e.Calls(); len(calls) > 0 {
				t.Errorf("requests were sent: %q", calls)
			}
		})
	}
}
