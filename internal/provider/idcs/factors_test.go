package idcs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/pkg/idtest"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// TestSocialAccounts: what no emulator has a resource for.
func TestSocialAccounts(t *testing.T) {
	ctx := context.Background()
	srv := idtest.New(t)
	p := connect(t, srv.URL, serverToken{srv})
	f := p.Factors()
	for name, link := range map[string]string{"without a link": "", "elsewhere": "https://evil.example.com/admin/v1/SocialAccounts/1", "no resource": "/ui/1"} {
		t.Run(name, func(t *testing.T) {
			err := f.RemoveSocialAccount(ctx, provider.NewSocialAccount("1", "u", "Apple", link))
			want := provider.ErrUnsupported
			if name == "elsewhere" {
				want = transport.ErrCrossOrigin
			}
			if !errors.Is(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
		})
	}
	for _, r := range srv.Requests() {
		if r.Method == http.MethodDelete {
			t.Errorf("sent %s %s", r.Method, r.Path)
		}
	}
	// A link is followed; what is away is done.
	if err := f.RemoveSocialAccount(ctx, provider.NewSocialAccount("1", "u", "Apple", srv.URL+"/admin/v1/SocialAccounts/1")); err != nil {
		t.Errorf("an account that is away: %v", err)
	}
	last := srv.Requests()[len(srv.Requests())-1]
	if last.Method != http.MethodDelete || !strings.HasSuffix(last.Path, "/admin/v1/SocialAccounts/1") {
		t.Errorf("sent %s %s", last.Method, last.Path)
	}
}

// planted makes a user with a second factor and answers the id.
func planted(t *testing.T, srv *idtest.Server, name string) string {
	t.Helper()
	docs := []idtest.Document{
		{Type: "User", BulkID: "u", Attrs: map[string]any{
			"userName": name, "name": map[string]any{"familyName": "F"},
			"emails": []any{map[string]any{"value": name, "type": "work", "primary": true}},
		}},
		{Type: "Device", Attrs: map[string]any{
			"user": map[string]any{"value": "bulkId:u"}, "displayName": "phone", "authenticationFactors": []any{map[string]any{"type": "TOTP"}},
		}},
	}
	ids, err := srv.Seed(t.Context(), docs...)
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

func TestFactorsOfManyUsers(t *testing.T) {
	ctx := context.Background()
	srv := idtest.New(t)
	f := connect(t, srv.URL, serverToken{srv}).Factors()
	ada, bob := planted(t, srv, "ada@example.com"), planted(t, srv, "bob@example.com")
	var got []string
	for x, err := range f.Factors(ctx, []string{ada, bob}) {
		if err != nil {
			t.Fatal(err)
		}
		who := map[string]string{ada: "ada", bob: "bob"}[x.UserID]
		if x.Enabled == nil || !*x.Enabled || !x.Preferred || x.Created.IsZero() {
			t.Errorf("%+v", x)
		}
		got = append(got, who+" "+x.Method+" "+x.Detail+" "+x.State)
	}
	if len(got) == 2 && got[0] > got[1] {
		got[0], got[1] = got[1], got[0]
	}
	if d := cmp.Diff([]string{"ada TOTP phone ENROLLED", "bob TOTP phone ENROLLED"}, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	for x, err := range f.Factors(ctx, []string{ada}) {
		if err != nil {
			t.Fatal(err)
		}
		err = f.RemoveFactor(ctx, x)
		var refusal *scim.Error
		if !errors.Is(err, provider.ErrLastFactor) || !errors.As(err, &refusal) || refusal.Status != http.StatusBadRequest {
			t.Errorf("the last one: %v", err)
		}
	}
	if err := f.ResetFactors(ctx, ada, provider.ResetAll, provider.ActOptions{}); err != nil {
		t.Fatal(err)
	}
	for x, err := range f.Factors(ctx, []string{ada}) {
		t.Errorf("left: %+v, %v", x, err)
	}
}

func TestMakeCode(t *testing.T) {
	ctx := context.Background()
	srv := idtest.New(t)
	f := connect(t, srv.URL, serverToken{srv}).Factors()
	ada := planted(t, srv, "ada@example.com")
	codes, err := f.Owned(provider.BypassCodes)
	if err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		for _, err := range codes.All(ctx, scim.ListOptions{Filter: codes.Of(ada)}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	end := time.Now().Add(3 * time.Hour)
	want := provider.CodeTerms{Expires: end, Uses: 2}
	c, err := f.MakeCode(ctx, ada, want, provider.ActOptions{})
	if err != nil || c.Uses != 2 || !want.Met(c) || len(c.Code.Reveal()) != 12 {
		t.Fatalf("%+v, %v", c, err)
	}
	for name, tt := range map[string]struct {
		fault string
		terms provider.CodeTerms
		kept  bool
		want  error
	}{
		"terms ignored":           {"ignore-terms", want, false, provider.ErrTerms},
		"uses ignored":            {"ignore-terms", provider.CodeTerms{Uses: 3}, false, provider.ErrTerms},
		"cannot be deleted":       {"ignore-terms:method=POST;403:method=DELETE", want, true, provider.ErrTerms},
		"cannot be read back":     {"404:method=GET,path=/admin/v1/BypassCodes", want, false, scim.ErrNotFound},
		"nothing asked, not read": {"404:method=GET,path=/admin/v1/BypassCodes", provider.CodeTerms{}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := srv.Faults(strings.Split(tt.fault, ";")...); err != nil {
				t.Fatal(err)
			}
			before := -1
			if !strings.Contains(tt.fault, "GET") {
				before = count()
			}
			_, err := f.MakeCode(ctx, ada, tt.terms, provider.ActOptions{})
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			var sent interface{ Sent() bool }
			if err != nil && (!errors.As(err, &sent) || sent.Sent() != tt.kept) {
				t.Errorf("%v: whether something is left is not told", err)
			}
			if err := srv.Faults(); err != nil {
				t.Fatal(err)
			}
			after := count()
			switch {
			case before >= 0 && !tt.kept && after != before, tt.kept && after != before+1:
				t.Errorf("%d codes, %d before", after, before)
			}
		})
	}
}

func TestTermsError(t *testing.T) {
	end := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	asked := provider.CodeTerms{Expires: end, Uses: 1}
	for name, tt := range map[string]struct {
		err  *provider.TermsError
		want string
	}{
		"both": {
			&provider.TermsError{Asked: asked, Got: provider.CodeTerms{Uses: 5, Expires: end.Add(time.Hour)}},
			"5 uses in place of 1, an end at 2026-03-04T06:06:07Z in place of 2026-03-04T05:06:07Z; the code was deleted",
		},
		"no end":  {&provider.TermsError{Asked: asked, Got: provider.CodeTerms{Uses: 1}}, "no end in place of 2026-03-04T05:06:07Z; the code was deleted"},
		"nothing": {&provider.TermsError{Asked: provider.CodeTerms{Uses: 2}}, "an unknown number of uses in place of 2; the code was deleted"},
		"kept":    {&provider.TermsError{Asked: provider.CodeTerms{Uses: 2}, Got: provider.CodeTerms{Uses: 1}, Kept: "c1", Err: scim.ErrForbidden}, "1 use in place of 2; the code c1 could not be deleted: not permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.TrimPrefix(tt.err.Error(), "the service set other terms than those asked for: "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if !asked.Met(provider.Code{Uses: 1, Expires: end.Add(30 * time.Second)}) || asked.Met(provider.Code{Uses: 1, Expires: end.Add(2 * time.Minute)}) ||
		asked.Met(provider.Code{Uses: 1}) || asked.Met(provider.Code{Uses: 2, Expires: end}) || !(provider.CodeTerms{}).Met(provider.Code{}) {
		t.Error("Met")
	}
}

func TestCredentials(t *testing.T) {
	ctx := context.Background()
	srv := idtest.New(t)
	f := connect(t, srv.URL, serverToken{srv}).Factors()
	ada := planted(t, srv, "ada@example.com")
	end := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	for _, tt := range []struct {
		c           provider.NewCredential
		secret, key bool
	}{
		{provider.NewCredential{What: provider.AuthTokens, Expires: end, Description: "CI"}, true, false},
		{provider.NewCredential{What: provider.CustomerSecretKeys, Name: "backup"}, true, true},
		{provider.NewCredential{What: provider.SMTPCredentials}, true, true},
		{provider.NewCredential{What: provider.OAuth2ClientCredentials, Name: "n", Audience: "https://x.example.com", Scopes: []string{"/a", "/b"}}, true, false},
		{provider.NewCredential{What: provider.DBCredentials, Password: "Sesame-0pen-99"}, false, true},
	} {
		t.Run(string(tt.c.What), func(t *testing.T) {
			got, err := f.MakeCredential(ctx, ada, tt.c, provider.ActOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got.ID == "" || (got.Secret != "") != tt.secret || (got.Key != "") != tt.key || !got.Expires.Equal(tt.c.Expires) {
				t.Errorf("%+v", got)
			}
			r, err := f.Owned(tt.c.What)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for doc, err := range r.All(ctx, scim.ListOptions{Filter: r.Of(ada)}) {
				if err != nil || r.Owner(doc) != ada {
					t.Fatalf("%v, %v", r.Owner(doc), err)
				}
				text, err := json.Marshal(doc)
				if err != nil {
					t.Fatal(err)
				}
				if got.Secret != "" && strings.Contains(string(text), got.Secret.Reveal()) {
					t.Error("the secret is shown again")
				}
				n++
			}
			if n != 1 {
				t.Errorf("%d of them", n)
			}
			for range 2 {
				if err := provider.DeleteOwned(ctx, r, got.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if _, err := f.MakeCredential(ctx, ada, provider.NewCredential{What: provider.Devices}, provider.ActOptions{}); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("a device: %v", err)
	}
}
