package engine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// richUser is a user with something in most places.
func richUser(b *bench) string {
	boss := b.user("boss")
	id := b.create("User", `{`+core+`"userName":"ada","password":"Example-Passw0rd","title":"Countess","name":{"givenName":"Ada","familyName":"Lovelace"},
		"emails":[{"value":"ada@example.com","type":"work","primary":true},{"value":"home@example.com","type":"home"}],
		"`+enterpriseURN+`":{"department":"Engines","manager":{"value":"`+boss+`"}},
		"urn:ietf:params:scim:schemas:oracle:idcs:extension:securityQuestions:User":{"secQuestions":[{"value":"`+
		b.create("SecurityQuestion", string(mustJSON(b, b.minimal("SecurityQuestion", 1))))["id"].(string)+`","answer":"example answer","hintText":"hint"},
		{"value":"FirstPet","answer":"example answer"},{"value":"FirstCar","answer":"example answer"}]},
		"urn:ietf:params:scim:schemas:oracle:idcs:extension:posix:User":{"uidNumber":7},
		"`+userURN+`":{"bypassNotification":true}}`)["id"].(string)
	b.create("Group", `{"displayName":"one","members":[{"value":"`+id+`"}]}`)
	b.create("Group", `{"displayName":"two","members":[{"value":"`+id+`"}]}`)
	return id
}

func TestProjection(t *testing.T) {
	b := newBench(t)
	id := richUser(b)
	const posix = "urn:ietf:params:scim:schemas:oracle:idcs:extension:posix:User"
	for name, c := range map[string]struct {
		attrs, sets []string
		want        string // besides id and userName, which are always there
	}{
		"one":                   {[]string{"title"}, nil, `{"title":"Countess"}`},
		"any case and blanks":   {[]string{" TITLE "}, nil, `{"title":"Countess"}`},
		"sub":                   {[]string{"name.familyName"}, nil, `{"name":{"familyName":"Lovelace"}}`},
		"sub of list":           {[]string{"emails.type"}, nil, `{"emails":[{"type":"work"},{"type":"home"},{"type":"recovery"}]}`},
		"two subs":              {[]string{"emails.type", "emails.primary"}, nil, `{"emails":[{"type":"work","primary":true},{"type":"home","primary":false},{"type":"recovery","primary":false}]}`},
		"filter":                {[]string{`emails[type eq "home"]`}, nil, `{"emails":[{"value":"home@example.com","type":"home","primary":false,"secondary":false,"verified":false}]}`},
		"filter and sub":        {[]string{`emails[type eq "home"].value`}, nil, `{"emails":[{"value":"home@example.com"}]}`},
		"two filters":           {[]string{`emails[type eq "home"].value`, `emails[type eq "work"].primary`}, nil, `{"emails":[{"primary":true},{"value":"home@example.com"}]}`},
		"filter of none":        {[]string{`emails[type eq "other"]`}, nil, `{}`},
		"page":                  {[]string{`emails[startIndex=2&count=1].value`}, nil, `{"emails":[{"value":"home@example.com"}]}`},
		"extension attribute":   {[]string{enterpriseURN + ":department"}, nil, `{"` + enterpriseURN + `":{"department":"Engines"}}`},
		"extension sub":         {[]string{enterpriseURN + ":manager.displayName"}, nil, `{"` + enterpriseURN + `":{"manager":{"displayName":"Given boss"}}}`},
		"extension of requests": {[]string{posix}, nil, `{}`},
		"request":               {[]string{posix + ":uidNumber"}, nil, `{"` + posix + `":{"uidNumber":7}}`},
		"default":               {nil, []string{"always"}, `{}`},
		"never":                 {[]string{"password", userURN + ":bypassNotification"}, []string{"never"}, `{}`},
		"unknown":               {[]string{"colour"}, nil, `{}`},
		"groups":                {[]string{"groups.display"}, nil, `{"groups":[{"display":"one","value":"*"},{"display":"two","value":"*"}]}`},
		"groups filtered":       {[]string{`groups[display eq "two"].display`}, nil, `{"groups":[{"display":"two","value":"*"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := b.e.Get(b.ctx(), admin, "User", id, Params{Attributes: c.attrs, AttributeSets: c.sets})
			if err != nil {
				t.Fatal(err)
			}
			if res.Doc["id"] != id || res.Doc["userName"] != "ada" {
				t.Errorf("id %v, userName %v", res.Doc["id"], res.Doc["userName"])
			}
			delete(res.Doc, "id")
			delete(res.Doc, "userName")
			for _, x := range elements(res.Doc["groups"]) {
				asMap(x)["value"] = "*"
			}
			if d := cmp.Diff(doc(t, c.want), res.Doc); d != "" {
				t.Error(d)
			}
		})
	}
	for name, p := range map[string]Params{
		"syntax":      {Attributes: []string{"emails["}},
		"unknown sub": {Attributes: []string{`emails[colour eq "x"]`}},
		"class":       {AttributeSets: []string{"some"}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := b.e.Get(b.ctx(), admin, "User", id, p); err == nil {
				t.Error("it is accepted")
			}
		})
	}
}

func TestAttributeSets(t *testing.T) {
	b := newBench(t)
	id := richUser(b)
	keys := func(p Params) []string {
		t.Helper()
		res, err := b.e.Get(b.ctx(), admin, "User", id, p)
		if err != nil {
			t.Fatal(err)
		}
		return sortedKeys(res.Doc)
	}
	if d := cmp.Diff(keys(Params{}), keys(Params{AttributeSets: []string{"Default"}})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(keys(Params{AttributeSets: []string{"all"}}), keys(Params{AttributeSets: []string{"request,DEFAULT", "always"}})); d != "" {
		t.Error(d)
	}
	if got := keys(Params{AttributeSets: []string{"request"}, Attributes: []string{"title"}}); !slices.Contains(got, "title") || !slices.Contains(got, "groups") || slices.Contains(got, "name") {
		t.Errorf("request and title give %v", got)
	}
}

// TestProjectionNeverReturnsNever asks for random parts and finds nothing
// undeclared and nothing that is never returned.
func TestProjectionNeverReturnsNever(t *testing.T) {
	b := newBench(t)
	id := richUser(b)
	ti, err := b.e.info("User")
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, set := range ti.sets() {
		if set.urn != "" {
			paths = append(paths, set.urn)
		}
		for _, a := range set.list {
			paths = append(paths, a.path)
			if a.subs != nil {
				for _, sub := range a.subs.list {
					paths = append(paths, sub.path)
				}
				if a.sub("value") != nil {
					paths = append(paths, a.path+`[value pr]`)
				}
			}
		}
	}
	r := rand.New(rand.NewPCG(3, 4)) // the same every time
	classes := []string{"all", "always", "never", "request", "default"}
	for range 300 {
		p := Params{}
		for range r.IntN(6) {
			p.Attributes = append(p.Attributes, paths[r.IntN(len(paths))])
		}
		if r.IntN(2) == 0 {
			p.AttributeSets = []string{classes[r.IntN(len(classes))]}
		}
		res, err := b.e.Get(b.ctx(), admin, "User", id, p)
		if err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		checkDeclared(t, ti, res.Doc)
		if t.Failed() {
			t.Fatalf("%+v", p)
		}
	}
}
