package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const policyURN = "urn:ietf:params:scim:schemas:oracle:idcs:PasswordPolicy"

// policy makes a policy; rest are members, with a comma before.
func (b *bench) policy(name, rest string) string {
	b.Helper()
	return b.create(policyType, `{"schemas":["`+policyURN+`"],"name":"`+name+`"`+rest+`}`)["id"].(string)
}

func (b *bench) tryPolicy(name, rest string) error {
	b.Helper()
	_, err := b.e.Create(b.ctx(), admin, policyType, doc(b, `{"schemas":["`+policyURN+`"],"name":"`+name+`"`+rest+`}`), Params{})
	return err
}

func (b *bench) groupOf(name string, members ...string) string {
	b.Helper()
	var list []string
	for _, id := range members {
		list = append(list, `{"value":"`+id+`","type":"User"}`)
	}
	return b.create("Group", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+name+`",
		"members":[`+strings.Join(list, ",")+`]}`)["id"].(string)
}

func (b *bench) setPassword(id, password string) error {
	b.Helper()
	_, err := b.patch("User", id, fmt.Sprintf(`[{"op":"replace","path":"password","value":%q}]`, password))
	return err
}

// broken are the codes of the rules that an error names; nil without an error.
func broken(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*PasswordError](err)
	if !ok {
		t.Fatalf("%v is no *PasswordError", err)
	}
	return codes(e.Broken)
}

// priorities lists the policies that have one, as name=priority.
func (b *bench) priorities() string {
	b.Helper()
	list, err := b.e.List(b.ctx(), admin, policyType, Params{SortBy: "name"})
	if err != nil {
		b.Fatal(err)
	}
	var out []string
	for _, d := range list.Resources {
		if d["priority"] != nil {
			out = append(out, fmt.Sprintf("%v=%v", d["name"], d["priority"]))
		}
	}
	return strings.Join(out, " ")
}

func TestFreshDomainHasItsPolicies(t *testing.T) {
	b := newBench(t)
	want := []string{"defaultPasswordPolicy", "simplePasswordPolicy", "standardPasswordPolicy"}
	if got := b.names(policyType, "name", ""); !slices.Equal(got, want) {
		t.Errorf("a fresh domain has %v", got)
	}
	d := b.get(policyType, defaultPolicyID)
	if d["passwordStrength"] != strengthCustom || fmt.Sprint(d["minLength"]) != "12" || d["idcsCreatedBy"] != nil {
		t.Errorf("the default policy is %v", d)
	}
	rules := map[string]string{}
	for _, x := range elements(b.get(policyType, defaultPolicyID, "configuredPasswordPolicyRules")["configuredPasswordPolicyRules"]) {
		m := asMap(x)
		rules[m["key"].(string)] = m["value"].(string)
	}
	if rules["minLength"] != "12" || rules["userNameDisallowed"] != "true" || len(rules) < 8 {
		t.Errorf("the rules of the default policy are %v", rules)
	}
	if d["configuredPasswordPolicyRules"] != nil {
		t.Error("the rules are shown without having been asked for")
	}
	// Removed for good, that is: not made again.
	id := b.policy("x", "")
	if err := b.e.Delete(b.ctx(), admin, policyType, id, Params{}); err != nil {
		t.Fatal(err)
	}
	if got := b.names(policyType, "name", ""); !slices.Equal(got, want) {
		t.Errorf("then it has %v", got)
	}
}

func TestPoliciesThatCannotBeChanged(t *testing.T) {
	b := newBench(t)
	for _, id := range []string{simplePolicyID, standardPolicyID} {
		_, err := b.patch(policyType, id, `[{"op":"replace","path":"minLength","value":9}]`)
		wantError(t, err, 403, msgPrevented)
		wantError(t, b.e.Delete(b.ctx(), admin, policyType, id, Params{}), 403, msgPrevented)
	}
	wantError(t, b.e.Delete(b.ctx(), admin, policyType, defaultPolicyID, Params{Force: true}), 403, msgPrevented)
	if _, err := b.patch(policyType, defaultPolicyID, `[{"op":"replace","path":"minLength","value":9}]`); err != nil {
		t.Errorf("the default policy cannot be changed: %v", err)
	}
	_, err := b.patch(policyType, defaultPolicyID, `[{"op":"replace","path":"name","value":"other"}]`)
	wantError(t, err, 400, msgImmutable)
}

func TestPolicyStrength(t *testing.T) {
	b := newBench(t)
	wantError(t, b.tryPolicy("a", `,"passwordStrength":"Simple","minLength":5`), 400, msgPolicyFixed)
	wantError(t, b.tryPolicy("a", `,"passwordStrength":"Weak"`), 400, msgCanonical)
	id := b.policy("a", `,"passwordStrength":"Simple"`)
	if d := b.get(policyType, id); fmt.Sprint(d["minLength"]) != "8" || fmt.Sprint(d["maxIncorrectAttempts"]) != "20" {
		t.Errorf("Simple is %v", d)
	}
	_, err := b.patch(policyType, id, `[{"op":"replace","path":"minLength","value":9}]`)
	wantError(t, err, 400, msgPolicyFixed)
	if _, err := b.patch(policyType, id, `[{"op":"replace","path":"description","value":"x"},{"op":"replace","path":"priority","value":4}]`); err != nil {
		t.Errorf("what is no criterion cannot be changed: %v", err)
	}
	if _, err := b.patch(policyType, id, `[{"op":"replace","path":"passwordStrength","value":"Custom"},{"op":"replace","path":"minLength","value":9},
		{"op":"replace","path":"requiredChars","value":"#"}]`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.patch(policyType, id, `[{"op":"replace","path":"passwordStrength","value":"Standard"}]`); err != nil {
		t.Fatal(err)
	}
	if d := b.get(policyType, id); fmt.Sprint(d["minLength"]) != "8" || d["requiredChars"] != nil || fmt.Sprint(d["passwordExpiresAfter"]) != "120" {
		t.Errorf("Standard is %v", d)
	}
}

func TestPolicyLimitsAndReferences(t *testing.T) {
	b := newBench(t)
	g := b.groupOf("g")
	wantError(t, b.tryPolicy("a", `,"groups":[{"value":"00000000000000000000000000ffffff"}]`), 400, msgReference)
	wantError(t, b.tryPolicy("a", `,"disallowedUserAttributeValues":["nosuch"]`), 400, msgUnknown)
	wantError(t, b.tryPolicy("a", `,"disallowedUserAttributeValues":["password"]`), 400, msgUnknown)
	first := b.policy("a", `,"groups":[{"value":"`+g+`"}]`)
	wantError(t, b.tryPolicy("A", ""), 409, msgDuplicate)
	wantError(t, b.tryPolicy("b", `,"groups":[{"value":"`+g+`"}]`), 400, msgPolicyGroup)
	// The same one may keep it.
	if _, err := b.patch(policyType, first, `[{"op":"replace","path":"groups","value":[{"value":"`+g+`"}]}]`); err != nil {
		t.Error(err)
	}
	for i := range 6 {
		b.policy(fmt.Sprint("n", i), "")
	}
	wantError(t, b.tryPolicy("too many", ""), 400, msgPolicyLimit)
}

func TestPriorities(t *testing.T) {
	b := newBench(t)
	b.policy("a", "")
	c := b.policy("c", `,"priority":3`)
	b.policy("b", "") // behind all others
	want := func(text string) {
		t.Helper()
		if got := b.priorities(); got != text {
			t.Errorf("priorities are %s, want %s", got, text)
		}
	}
	want("a=1 b=4 c=3")
	b.policy("d", `,"priority":3`)
	want("a=1 b=5 c=4 d=3")
	b.policy("e", `,"priority":1`) // a moves into the gap at 2 and no other
	want("a=2 b=5 c=4 d=3 e=1")
	if _, err := b.patch(policyType, c, `[{"op":"replace","path":"priority","value":2}]`); err != nil {
		t.Fatal(err)
	}
	want("a=3 b=5 c=2 d=4 e=1") // into the place that c left
	res, err := b.e.Get(b.ctx(), admin, policyType, c, Params{})
	if err != nil {
		t.Fatal(err)
	}
	delete(res.Doc, "priority")
	if _, err := b.e.Replace(b.ctx(), admin, policyType, c, res.Doc, Params{}); err != nil {
		t.Fatal(err)
	}
	want("a=3 b=5 c=2 d=4 e=1")
	if _, err := b.patch(policyType, c, `[{"op":"replace","path":"priority","value":10}]`); err != nil {
		t.Fatal(err)
	}
	wantError(t, b.tryPolicy("f", `,"priority":10`), 400, msgRange)
	b.policy("f", `,"priority":9`)
	want("a=3 b=5 c=10 d=4 e=1 f=9")
	wantError(t, b.tryPolicy("g", `,"priority":9`), 400, msgRange)
	want("a=3 b=5 c=10 d=4 e=1 f=9")
	b.policy("g", "") // the lowest free one
	want("a=3 b=5 c=10 d=4 e=1 f=9 g=8")
}

func TestPolicyOfUser(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	g1, g2 := b.groupOf("g1", ada), b.groupOf("g2", ada)
	applies := func() string {
		t.Helper()
		d := asMap(b.get("User", ada, passwordStateURN+":applicablePasswordPolicy")[passwordStateURN])
		m := asMap(d["applicablePasswordPolicy"])
		if !strings.HasSuffix(fmt.Sprint(m["$ref"]), "/admin/v1/PasswordPolicies/"+fmt.Sprint(m["value"])) {
			t.Errorf("the policy is %v", m)
		}
		return fmt.Sprint(m["display"])
	}
	if got := applies(); got != "defaultPasswordPolicy" {
		t.Errorf("without one of a group it is %s", got)
	}
	b.policy("second", `,"priority":5,"minLength":5,"groups":[{"value":"`+g2+`"}]`)
	if got := applies(); got != "second" {
		t.Errorf("with one of a group it is %s", got)
	}
	b.policy("first", `,"priority":2,"minLength":6,"groups":[{"value":"`+g1+`"}]`)
	if got := applies(); got != "first" {
		t.Errorf("of two it is %s", got)
	}
	if diff := cmp.Diff([]string{"minLength"}, broken(t, b.setPassword(ada, "12345"))); diff != "" {
		t.Error(diff)
	}
	if err := b.setPassword(ada, "123456"); err != nil {
		t.Errorf("a password of the group's policy is refused: %v", err)
	}
	if got := b.names("User", "id", passwordStateURN+`:applicablePasswordPolicy.value eq "`+defaultPolicyID+`"`); len(got) != 0 {
		t.Errorf("the default policy holds for %v", got)
	}
	if _, err := b.patch("Group", g1, `[{"op":"remove","path":"members[value eq \"`+ada+`\"]"}]`); err != nil {
		t.Fatal(err)
	}
	if got := applies(); got != "second" {
		t.Errorf("after leaving the group it is %s", got)
	}
	if err := b.e.Delete(b.ctx(), admin, "Group", g2, Params{}); err != nil {
		t.Fatal(err)
	}
	if got := applies(); got != "defaultPasswordPolicy" {
		t.Errorf("without the group it is %s", got)
	}
	if got := b.names(policyType, "name", `groups.value pr`); !slices.Equal(got, []string{"first"}) {
		t.Errorf("groups are named by %v", got)
	}
}

func TestPolicyEvents(t *testing.T) {
	b := newBench(t)
	id := b.policy("a", `,"priority":1`)
	b.policy("b", `,"priority":1`) // moves a
	if _, err := b.patch(policyType, id, `[{"op":"replace","path":"minLength","value":20}]`); err != nil {
		t.Fatal(err)
	}
	if err := b.e.Delete(b.ctx(), admin, policyType, id, Params{}); err != nil {
		t.Fatal(err)
	}
	list, err := b.e.List(b.ctx(), admin, auditType, Params{Filter: `adminResourceId eq "` + id + `"`, Attributes: []string{"eventId", "adminValuesAdded"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range list.Resources {
		text := d["eventId"].(string)
		if s, _ := d["adminValuesAdded"].(string); strings.HasSuffix(text, ".update.success") {
			text += " " + s
		}
		got = append(got, text)
	}
	want := []string{
		"admin.passwordpolicy.create.success",
		`admin.passwordpolicy.update.success {"priority":"2"}`,
		`admin.passwordpolicy.update.success {"minLength":"20"}`,
		"admin.passwordpolicy.delete.success",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSeedInAnOlderDatabase: a database that has a policy of a name that is
// made now is none the worse.
func TestSeedInAnOlderDatabase(t *testing.T) {
	b := newBench(t)
	err := b.e.Do(b.ctx(), admin, func(tx *Tx) error {
		return tx.plant(policyType, "mine", Document{"name": "DefaultPasswordPolicy", "minLength": jsonInt(3), "priority": jsonInt(1)})
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"DefaultPasswordPolicy", "defaultPasswordPolicy (PasswordPolicy)", "simplePasswordPolicy", "standardPasswordPolicy"}
	if got := b.names(policyType, "name", ""); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("there are %v", got)
	}
	if diff := cmp.Diff([]string{"minLength"}, broken(t, b.setPassword(b.user("ada"), "Sh0rt-"))); diff != "" {
		t.Errorf("another policy than the default holds: %s", diff)
	}
}

// TestPasswordsBeforeThePoliciesAreStored: the policies hold from the start,
// in a domain in which nobody ever asked for them.
func TestPasswordsBeforeThePoliciesAreStored(t *testing.T) {
	b := newBench(t)
	ada := b.user("ada")
	if diff := cmp.Diff([]string{"minLength"}, broken(t, b.setPassword(ada, "Sh0rt-"))); diff != "" {
		t.Error(diff)
	}
	if _, err := record(b, policyType, defaultPolicyID); err == nil {
		t.Error("the policies are stored already: the test shows nothing")
	}
	res, err := b.e.Get(b.ctx(), admin, "User", ada, Params{Attributes: []string{passwordStateURN + ":applicablePasswordPolicy"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := asMap(asMap(res.Doc[passwordStateURN])["applicablePasswordPolicy"])["value"]; got != defaultPolicyID {
		t.Errorf("the policy is %v", got)
	}
}
