package idcs_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/internal/lifecycle"
	"github.com/idctl/idctl/internal/provider"
	provideridcs "github.com/idctl/idctl/internal/provider/idcs"
	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/transport"
)

// wire answers one body to each request and writes down what was asked.
type wire struct {
	status int
	answer string
	asked  []string
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		rw.WriteHeader(http.StatusTeapot)
		return
	}
	text := r.Method + " " + r.URL.Path
	if f := r.URL.Query().Get("filter"); f != "" {
		text += " " + f
	}
	if len(body) > 0 {
		var doc map[string]any
		if json.Unmarshal(body, &doc) == nil {
			delete(doc, "schemas")
			compact, _ := json.Marshal(doc)
			text += " " + string(compact)
		}
	}
	w.asked = append(w.asked, text)
	rw.Header().Set("Content-Type", "application/scim+json")
	if w.status != 0 {
		rw.WriteHeader(w.status)
	}
	_, _ = io.WriteString(rw, w.answer)
}

// still is a clock that stands: nobody waits.
type still struct{}

func (still) Now() time.Time { return time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC) }

func (still) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func connect(t *testing.T, w http.Handler) *provideridcs.Provider {
	t.Helper()
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	tr, err := transport.NewClient(idcs.TransportOptions(idcs.Options{BaseURL: srv.URL, Unlimited: true, Clock: still{}}))
	if err != nil {
		t.Fatal(err)
	}
	return provideridcs.New(tr)
}

func TestLifeCycleCalls(t *testing.T) {
	self := provider.ActOptions{Self: true}
	const selfBody = `"urn:ietf:params:scim:schemas:oracle:idcs:extension:selfChange:User":{"allowSelfChange":true}`
	for _, tt := range []struct {
		name, answer, want string
		do                 func(context.Context, provider.LifeCycle) error
	}{
		{"invite", `{}`, `PUT /admin/v1/UserActivationInitiator/1 {}`, func(ctx context.Context, l provider.LifeCycle) error {
			return l.Invite(ctx, "1", provider.ActOptions{})
		}},
		{"activate", `{}`, `PUT /admin/v1/UserStatusChanger/1 {"active":true}`, func(ctx context.Context, l provider.LifeCycle) error {
			return l.SetActive(ctx, "1", true, provider.ActOptions{})
		}},
		{"deactivate oneself", `{}`, `PUT /admin/v1/UserStatusChanger/1 {"active":false,` + selfBody + `}`, func(ctx context.Context, l provider.LifeCycle) error {
			return l.SetActive(ctx, "1", false, self)
		}},
		{"unlock", `{}`, `POST /admin/v1/UserLockedStateChanger {"locked":false,"userId":"1"}`, func(ctx context.Context, l provider.LifeCycle) error {
			return l.Unlock(ctx, "1", provider.ActOptions{})
		}},
		{"reset", `{}`, `PUT /admin/v1/UserPasswordResetter/1 {}`, func(ctx context.Context, l provider.LifeCycle) error {
			return l.ResetPassword(ctx, "1", provider.ResetOptions{})
		}},
		{"reset without a mail", `{}`, `PUT /admin/v1/UserPasswordResetter/1 {"bypassNotification":true}`, func(ctx context.Context, l provider.LifeCycle) error {
			return l.ResetPassword(ctx, "1", provider.ResetOptions{Quiet: true})
		}},
		{"set", `{}`, `PUT /admin/v1/UserPasswordChanger/1 {"password":"p"}`, func(ctx context.Context, l provider.LifeCycle) error {
			return l.SetPassword(ctx, "1", "p", provider.ResetOptions{})
		}},
		{"suggest a login", `{"userName":"ada2"}`, `POST /admin/v1/UserNameGenerator {"email":"a@example.com"}`, func(ctx context.Context, l provider.LifeCycle) error {
			name, err := l.SuggestUserName(ctx, "a@example.com")
			if err == nil && name != "ada2" {
				err = errors.New("suggests " + name)
			}
			return err
		}},
		{"assert", `{"id":"1"}`, `POST /admin/v1/Asserter {"includeMemberships":true,"mappingAttribute":"userName","mappingAttributeValue":"ada"}`, func(ctx context.Context, l provider.LifeCycle) error {
			_, err := l.Assert(ctx, "userName", "ada", true)
			return err
		}},
		{"check for a user", `{}`, `PUT /admin/v1/UserPasswordValidator/1 {"password":"p"}`, func(ctx context.Context, l provider.LifeCycle) error {
			return l.CheckPassword(ctx, provider.PasswordCheck{ID: "1", Password: "p"})
		}},
		{"check for a user to be", `{}`, `POST /admin/v1/UserPasswordValidator {"familyName":"B","password":"p","userName":"bob"}`, func(ctx context.Context, l provider.LifeCycle) error {
			return l.CheckPassword(ctx, provider.PasswordCheck{UserName: "bob", FamilyName: "B", Password: "p"})
		}},
		{"suggest a password", `{"password":"x"}`, `PUT /admin/v1/UserPasswordGenerator/1 {}`, func(ctx context.Context, l provider.LifeCycle) error {
			p, err := l.GeneratePassword(ctx, "1")
			if err == nil && p.Reveal() != "x" {
				err = errors.New("another password")
			}
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &wire{answer: tt.answer}
			if err := tt.do(t.Context(), connect(t, w).LifeCycle()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff([]string{tt.want}, w.asked); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOnceIsSentOnce: an invitation and a reset are not repeated when their
// answer is lost, other acts are.
func TestOnceIsSentOnce(t *testing.T) {
	for name, want := range map[string]int{"invite": 1, "reset": 1, "activate": 2} {
		t.Run(name, func(t *testing.T) {
			sent := 0
			l := connect(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				if sent++; sent == 1 {
					rw.WriteHeader(http.StatusBadGateway)
					return
				}
				_, _ = io.WriteString(rw, `{}`)
			})).LifeCycle()
			var err error
			switch name {
			case "invite":
				err = l.Invite(t.Context(), "1", provider.ActOptions{RetryToken: "t"})
			case "reset":
				err = l.ResetPassword(t.Context(), "1", provider.ResetOptions{})
			default:
				err = l.SetActive(t.Context(), "1", true, provider.ActOptions{})
			}
			if sent != want || (err == nil) != (want == 2) {
				t.Errorf("sent %d times, want %d; %v", sent, want, err)
			}
		})
	}
}

func TestBrokenRules(t *testing.T) {
	const refusal = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","detail":"It does not do. It is too short. It holds the name.",
		"urn:ietf:params:scim:api:oracle:idcs:extension:messages:Error":{"messageId":"x","additionalData":{"brokenRules":["minLength","lastNameDisallowed"]}}}`
	for _, tt := range []struct {
		name   string
		status int
		answer string
		want   string
	}{
		{"refused", 400, refusal, "the password breaks the policy: It is too short; It holds the name"},
		{"judged", 200, `{"valid":false,"failedRules":[{"name":"minLength"},{"name":"b","description":"No name in it."}]}`, "the password breaks the policy: minLength; No name in it."},
		{"judged without a reason", 200, `{"valid":false}`, "the password breaks the policy"},
		{"valid", 200, `{"valid":true}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := connect(t, &wire{status: tt.status, answer: tt.answer}).LifeCycle()
			err := l.CheckPassword(t.Context(), provider.PasswordCheck{ID: "1", Password: "hush-word"})
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tt.want || err != nil && !errors.Is(err, provider.ErrPassword) || strings.Contains(text, "hush") {
				t.Errorf("error %q, want %q", text, tt.want)
			}
		})
	}
	l := connect(t, &wire{status: 400, answer: refusal}).LifeCycle()
	if err := l.SetPassword(t.Context(), "1", "p", provider.ResetOptions{}); !errors.Is(err, provider.ErrPassword) || !errors.Is(err, scim.ErrInvalid) {
		t.Errorf("SetPassword: %v", err)
	}
}

func TestReadInvitations(t *testing.T) {
	ends := time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC)
	w := &wire{answer: `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":5,"itemsPerPage":50,"startIndex":1,"Resources":[
		{"id":"t1","userId":"1","tokenType":"createUser","status":0,"expiryTime":"2026-03-01T00:00:00Z"},
		{"id":"t2","userId":"1","tokenType":"createUser","status":0,"expiryTime":"2026-03-09T08:00:00.000Z"},
		{"id":"t3","userId":"2","tokenType":"createUser","status":2,"expiryTime":"2026-03-09T08:00:00Z"},
		{"id":"t4","userId":"2","tokenType":"passwordReset","status":0,"expiryTime":"2026-03-09T08:00:00Z"},
		{"id":"t5","userId":"9","tokenType":"createUser","status":0,"expiryTime":"2026-03-09T08:00:00Z"}]}`}
	got, err := provider.ReadInvitations(t.Context(), connect(t, w).LifeCycle(), []string{"1", "2"})
	want := map[string]lifecycle.Invitation{"1": {Known: true, Sent: true, Expires: ends}, "2": {Known: true}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{`GET /admin/v1/UserTokens userId co "1" or userId co "2"`}, w.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	// A domain that does not let them be read tells nothing.
	got, err = provider.ReadInvitations(t.Context(), connect(t, &wire{status: 403, answer: `{}`}).LifeCycle(), []string{"1"})
	if got != nil || err != nil {
		t.Errorf("forbidden: %v, %v", got, err)
	}
	if _, err = provider.ReadInvitations(t.Context(), connect(t, &wire{status: 400, answer: `{}`}).LifeCycle(), []string{"1"}); !errors.Is(err, scim.ErrInvalid) {
		t.Errorf("a refusal is an error, not %v", err)
	}
}
