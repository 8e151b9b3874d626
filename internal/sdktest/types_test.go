package sdktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/idctl/idctl/pkg/idtest"
	"github.com/oracle/oci-go-sdk/v65/common"
	"github.com/oracle/oci-go-sdk/v65/identitydomains"
)

// notCreated are types that are not created here, with the status that the
// emulator refuses them with and the reason.
var notCreated = map[string]struct {
	status int
	why    string
}{
	"Me":                              {http.StatusNotImplemented, "the signed-in user comes later"},
	"MyAuthenticationFactorInitiator": {http.StatusNotImplemented, "factor challenges come later"},
	"MyAuthenticationFactorValidator": {http.StatusNotImplemented, "factor challenges come later"},
	"MyApiKey":                        {http.StatusForbidden, "one's own, and an app has none"},
	"MyAuthToken":                     {http.StatusForbidden, "one's own, and an app has none"},
	"MyAuthenticationFactorsRemover":  {http.StatusForbidden, "one's own, and an app has none"},
	"MyCustomerSecretKey":             {http.StatusForbidden, "one's own, and an app has none"},
	"MyOAuth2ClientCredential":        {http.StatusForbidden, "one's own, and an app has none"},
	"MySmtpCredential":                {http.StatusForbidden, "one's own, and an app has none"},
	"MyUserDbCredential":              {http.StatusForbidden, "one's own, and an app has none"},
	"RestoreOciConsolePolicy":         {http.StatusNotImplemented, "restoring the console policy comes later"},
	"VerificationClaim":               {http.StatusNotImplemented, "identity proofing comes later"},
}

// acts are types whose create does something and makes no resource.
var acts = []string{"AuthenticationFactorsRemover"}

// credentials are types that belong to a user though the client's models do
// not call the user mandatory.
var credentials = []string{
	"ApiKey", "AuthToken", "CustomerSecretKey", "OAuth2ClientCredential", "SmtpCredential", "UserDbCredential",
}

// publicKey is an RSA key; nobody has the private one.
const publicKey = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoHetg/fH1r4GTZ9VD+xn
l5tSZzsG3w56zoiptsvdSQvxpfS7HYY5QVdMuFljaz+/ajvvRgOcoGn6TF3dc4Hv
1fo91aa4Q683lXcu03ltoPBGw2hSF51PeVkQ4FlbIyby2t0NOF6M7wbW80pJmxwx
USzZIf0+ZVeZlZ70FxVRXbNVHp3+Vo2DDqUQhP2WULvllJlaOMK2tpMoaSUBImkg
FUT417dhCi1Ll6buuLOmfZBWEXnJPdr+pzGYT1X6bnFS3yaYMeL1i1zgmGeEGlXd
ANVw7cANZo/1STFYsC0C+MDO5OQBXeBcrDCj63uc0d977X9o+/H3JWwJr9pdVKe9
kwIDAQAB
-----END PUBLIC KEY-----
`

// ofUser says whose a credential is.
func ofUser(body reflect.Value, name, user string) {
	if !slices.Contains(credentials, name) {
		return
	}
	field := body.FieldByName("User")
	field.Set(reflect.New(field.Type().Elem()))
	field.Elem().FieldByName("Value").Set(reflect.ValueOf(&user))
	if name == "ApiKey" {
		body.FieldByName("Key").Set(reflect.ValueOf(common.String(publicKey)))
	}
}

// first are the types that others refer to, in the order of their creation.
var first = []string{"App", "AppRole", "Group", "Condition", "Rule", "Policy", "CloudGate", "CloudGateServer", "ApprovalWorkflow"}

// refers says what a reference of another name than its type points to.
var refers = map[string]string{
	"CloudGateMapping.Server":     "CloudGateServer",
	"CloudGateMapping.GatewayApp": "App",
	"Grant.Grantee":               "User",
	"MyRequest.Requesting":        "Group",
}

// TestEveryType creates one resource of every type that the client can create,
// from what its models call mandatory, gets it, sends it back, lists
// and deletes it.
func TestEveryType(t *testing.T) {
	c, srv := newClient(t)
	last := &lastBody{}
	c.HTTPClient = last
	client := reflect.ValueOf(c)
	f := &filler{urns: coreSchemas(t, srv), ids: map[string]string{"User": *createUser(t, c, person("ada.lovelace@example.com")).Id}}
	var types []string
	for i := range client.NumMethod() {
		if name, ok := strings.CutPrefix(client.Type().Method(i).Name, "Create"); ok && name != "User" { // needs more; see TestUserLifeCycle
			types = append(types, name)
		}
	}
	if len(types) < 45 {
		t.Errorf("%d types, want at least 45", len(types))
	}
	slices.SortStableFunc(types, func(a, b string) int { return rank(a) - rank(b) })

	// call calls a method of the client, and answers a readable error.
	call := func(t *testing.T, method string, fill func(request reflect.Value)) (reflect.Value, error) {
		t.Helper()
		m := client.MethodByName(method)
		request := reflect.New(m.Type().In(1)).Elem()
		fill(request)
		out := m.Call([]reflect.Value{reflect.ValueOf(t.Context()), request})
		err, _ := out[1].Interface().(error)
		if err != nil {
			err = fmt.Errorf("%s: %w: %s", method, err, last.text)
		}
		return out[0], err
	}
	for _, name := range types {
		t.Run(name, func(t *testing.T) {
			created, err := call(t, "Create"+name, func(request reflect.Value) {
				body := request.FieldByName(name)
				if !body.IsValid() {
					t.Fatalf("%s has no body of the name %s", request.Type(), name)
				}
				f.fill(t, body, name)
				ofUser(body, name, f.ids["User"])
				if name == "Grant" { // of an app, which the client's models do not call mandatory
					body.FieldByName("App").Set(reflect.ValueOf(&identitydomains.GrantApp{Value: common.String(f.ids["App"])}))
				}
			})
			if refused, ok := notCreated[name]; ok {
				wantStatus(t, "create ("+refused.why+")", err, refused.status)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			id, _ := created.FieldByName(name).FieldByName("Id").Interface().(*string)
			if slices.Contains(acts, name) {
				return
			}
			if value(id) == "" {
				t.Fatalf("no id in %v", created)
			}
			f.ids[name] = *id
			setID := func(request reflect.Value) { request.FieldByName(name + "Id").Set(reflect.ValueOf(id)) }
			if client.MethodByName("Get" + name).IsValid() {
				got, err := call(t, "Get"+name, func(request reflect.Value) {
					setID(request)
					// Some required attributes are returned on request only.
					if sets := request.FieldByName("AttributeSets"); sets.IsValid() {
						sets.Set(reflect.ValueOf([]identitydomains.AttributeSetsEnum{identitydomains.AttributeSetsAll}))
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				if id, _ := got.FieldByName(name).FieldByName("Id").Interface().(*string); value(id) != f.ids[name] {
					t.Errorf("get answers id %q, want %q", value(id), f.ids[name])
				}
				if !client.MethodByName("Put" + name).IsValid() {
					return
				}
				// What was read may be sent back as it is.
				if _, err := call(t, "Put"+name, func(request reflect.Value) {
					setID(request)
					request.FieldByName(name).Set(got.FieldByName(name))
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for name := range notCreated {
		if !slices.Contains(types, name) {
			t.Errorf("notCreated names %s, which the client cannot create", name)
		}
	}
	t.Run("lists", func(t *testing.T) {
		seen := walkLists(t, c)
		both := 0
		for name, id := range f.ids {
			listed, ok := seen[name]
			if ok && !slices.Contains(listed, id) {
				t.Errorf("the list of %s has %v, want %s in it", name, listed, id)
			}
			if ok {
				both++
			}
		}
		if both < 30 {
			t.Errorf("%d types were created and can be listed, want at least 30", both)
		}
	})
	// In the other order nothing is deleted that something else needs.
	slices.Reverse(types)
	for _, name := range types {
		if f.ids[name] == "" || !client.MethodByName("Delete"+name).IsValid() {
			continue
		}
		t.Run("Delete"+name, func(t *testing.T) {
			setID := func(request reflect.Value) {
				request.FieldByName(name + "Id").Set(reflect.ValueOf(common.String(f.ids[name])))
			}
			if _, err := call(t, "Delete"+name, setID); err != nil {
				t.Fatal(err)
			}
			if client.MethodByName("Get" + name).IsValid() {
				_, err := call(t, "Get"+name, setID)
				wantStatus(t, "get after delete", err, http.StatusNotFound)
			}
		})
	}
}

func rank(name string) int {
	if i := slices.Index(first, name); i >= 0 {
		return i
	}
	return len(first)
}

// lastBody keeps the body of the last error, which the client throws away.
type lastBody struct{ text string }

// Do implements common.HTTPRequestDispatcher.
func (l *lastBody) Do(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if l.text = ""; resp.StatusCode >= http.StatusBadRequest {
		l.text = string(raw)
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, err
}

// coreSchemas asks the domain for the core schema of each type.
func coreSchemas(t *testing.T, srv *idtest.Server) map[string]string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/admin/v1/ResourceTypes?count=1000", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var list struct {
		Resources []struct{ Name, Schema string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range list.Resources {
		out[r.Name] = r.Schema
	}
	return out
}

// filler gives the mandatory fields of a model a value each.
type filler struct {
	urns map[string]string // core schemas by type
	ids  map[string]string // what was created, by type
	n    int
}

// unsupported is how the models refuse the value of an enumeration; the first
// supported one is taken instead.
var unsupported = regexp.MustCompile(`value for (\w+): \?\. Supported values are: ([^,.\n]*)`)

func (f *filler) fill(t *testing.T, v reflect.Value, where string) {
	t.Helper()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Type().Field(i).Tag.Get("mandatory") == "true" {
			f.set(t, v.Field(i), where, name)
		}
	}
	check, ok := v.Interface().(interface{ ValidateEnumValue() (bool, error) })
	if !ok {
		return
	}
	if _, err := check.ValidateEnumValue(); err != nil {
		for _, m := range unsupported.FindAllStringSubmatch(err.Error(), -1) {
			field := v.FieldByName(m[1])
			if field.Kind() == reflect.Slice {
				field = field.Index(0)
			}
			field.SetString(m[2])
		}
	}
}

func (f *filler) set(t *testing.T, field reflect.Value, where, name string) {
	t.Helper()
	switch field.Kind() {
	case reflect.Pointer:
		p := reflect.New(field.Type().Elem())
		f.set(t, p.Elem(), where, name)
		field.Set(p)
	case reflect.Slice:
		e := reflect.New(field.Type().Elem()).Elem()
		f.set(t, e, where, name)
		field.Set(reflect.Append(field, e))
	case reflect.Struct:
		f.fill(t, field, where+"."+name)
	case reflect.Bool:
		field.SetBool(false)
	case reflect.Int, reflect.Int64:
		field.SetInt(1)
	case reflect.String:
		field.SetString(f.text(field, where, name))
	default:
		t.Fatalf("%s.%s: a mandatory field of kind %s", where, name, field.Kind())
	}
}

func (f *filler) text(field reflect.Value, where, name string) string {
	parent := where[strings.LastIndex(where, ".")+1:]
	if to, ok := refers[where]; ok {
		parent = to
	}
	switch {
	case name == "Schemas":
		return f.urns[where]
	case name == "Value" && f.ids[parent] != "":
		return f.ids[parent]
	case field.Type().PkgPath() != "":
		return "?" // an enumeration; see fill
	}
	f.n++
	return fmt.Sprintf("example%d", f.n)
}
