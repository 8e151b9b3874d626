package lifecycle

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/idctl/idctl/pkg/scim"
)

var now = time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC)

func decode(t *testing.T, text string) scim.Document {
	t.Helper()
	doc, err := scim.DecodeDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestOf(t *testing.T) {
	const (
		ext      = `"urn:ietf:params:scim:schemas:oracle:idcs:extension:`
		none     = ext + `passwordState:User":{"mustChange":true}`
		set      = ext + `passwordState:User":{"mustChange":false,"lastSuccessfulSetDate":"2026-01-01T00:00:00Z"}`
		locked   = ext + `userState:User":{"locked":{"on":true,"reason":3,"lockDate":"2026-03-09T07:00:00Z"}}`
		over     = ext + `userState:User":{"locked":{"on":true,"reason":0,"expired":true}}`
		odd      = ext + `userState:User":{"locked":{"on":true,"reason":17}}`
		signedIn = ext + `userState:User":{"lastSuccessfulLoginDate":"2026-01-01T00:00:00Z"}`
		fed      = ext + `user:User":{"isFederatedUser":true,"status":"verified"}`
		pending  = ext + `user:User":{"status":"pendingVerification"}`
		bare     = ext + `user:User":{"status":"verified"}`
	)
	at := func(d time.Duration) Invitation { return Invitation{Known: true, Sent: true, Expires: now.Add(d)} }
	sent, gone, never, unasked := at(time.Hour), at(-time.Hour), Invitation{Known: true}, Invitation{}
	tests := []struct {
		name, doc string
		link      Invitation
		want      string
	}{
		{"plain SCIM, nothing said", `{"userName":"a"}`, unasked, "Active"},
		{"plain SCIM, active", `{"active":true}`, unasked, "Active"},
		{"plain SCIM, active as text", `{"active":"false"}`, unasked, "Blocked"},
		{"has a password", `{"active":true,` + set + `}`, unasked, "Active"},
		{"has signed in", `{"active":true,` + signedIn + `}`, unasked, "Active"},
		{"from another identity provider", `{"active":true,` + fed + `}`, never, "Active"},
		{"the service says too little", `{"active":true,` + bare + `}`, sent, "-"},
		{"no link", `{"active":true,` + none + `}`, never, "Not invited"},
		{"link holds", `{"active":true,` + none + `}`, sent, "Pending invitation"},
		{"link ended", `{"active":true,` + none + `}`, gone, "Expired invitation"},
		{"link ends now", `{"active":true,` + none + `}`, at(0), "Expired invitation"},
		{"link without an end", `{"active":true,` + none + `}`, Invitation{Known: true, Sent: true}, "Pending invitation"},
		{"link not told", `{"active":true,` + none + `}`, unasked, "-"},
		{"registration pending by itself", `{"active":true,` + pending + `}`, sent, "Pending invitation"},
		{"locked", `{"active":true,` + set + `,` + locked + `}`, unasked, "Locked (failed second factors)"},
		{"locked before pending", `{"active":true,` + locked + `,` + none + `}`, sent, "Locked (failed second factors)"},
		{"locked for an unknown reason", `{"active":true,` + set + `,` + odd + `}`, unasked, "Locked"},
		{"lock is over", `{"active":true,` + set + `,` + over + `}`, unasked, "Active"},
		{"blocked before all", `{"active":false,` + locked + `,` + none + `}`, sent, "Blocked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Of(decode(t, tt.doc), tt.link, now); got.String() != tt.want {
				t.Errorf("Of(%s) = %q, want %q", tt.doc, got, tt.want)
			}
		})
	}
	s := Of(decode(t, `{"active":true,`+locked+`}`), unasked, now)
	if want := now.Add(-time.Hour); !s.Since.Equal(want) {
		t.Errorf("locked since %v, want %v", s.Since, want)
	}
	if s := Of(decode(t, `{"active":true,`+none+`}`), sent, now); !s.Expires.Equal(sent.Expires) {
		t.Errorf("the link ends %v, want %v", s.Expires, sent.Expires)
	}
	for doc, want := range map[string]bool{
		`{"active":true,` + none + `}`: true, `{"active":false,` + none + `}`: false, `{"active":true,` + set + `}`: false,
		`{"active":true,` + none + `,` + locked + `}`: false, `{"active":true,` + bare + `}`: false,
	} {
		if got := NeedsInvitation(decode(t, doc)); got != want {
			t.Errorf("NeedsInvitation(%s) = %t", doc, got)
		}
	}
	for doc, want := range map[string]bool{
		`{"active":false,` + none + `}`: true, `{"active":true,` + set + `}`: false, `{"active":true,` + bare + `}`: false, `{}`: false,
	} {
		if got := Unfinished(decode(t, doc)); got != want {
			t.Errorf("Unfinished(%s) = %t", doc, got)
		}
	}
}

func TestParse(t *testing.T) {
	tests := map[string][]State{
		"active": {Active}, "BLOCKED": {Blocked}, "locked": {Locked}, "notInvited": {NotInvited}, "not-invited": {NotInvited},
		"Pending invitation": {Pending}, "pendingInvitation": {Pending}, "expired": {Expired}, "expired_invitation": {Expired},
		"pending": {NotInvited, Pending, Expired}, "completed": {Active, Blocked, Locked}, "": nil, "-": nil, "gone": nil,
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, Parse(text)); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", text, diff)
		}
	}
	for _, w := range Words() {
		states := Parse(w)
		if len(states) == 0 {
			t.Errorf("Parse(%q) knows no state, though Words lists it", w)
		}
		for _, s := range states {
			if s.Registered() == s.Unregistered() {
				t.Errorf("%s is both before and after the end of a registration, or neither", s)
			}
			if len(states) == 1 && s.Word() != w {
				t.Errorf("Word of %s is %q, want %q", s, s.Word(), w)
			}
		}
	}
	if Unknown.Word() != "" || Unknown.Registered() || Unknown.Unregistered() {
		t.Error("the unknown state is not on either side")
	}
}
