package engine

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func codes(list []BrokenRule) []string {
	var out []string
	for _, b := range list {
		out = append(out, b.Code)
	}
	return out
}

// parsePolicy reads a policy as it is stored.
func parsePolicy(tb testing.TB, text string) *policy {
	tb.Helper()
	p, err := readPolicy("p", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestBrokenRules(t *testing.T) {
	ada := `{"userName":"ada.l@example.com","name":{"givenName":"Augusta","familyName":"Lovelace"},
		"title":"Countess","emails":[{"value":"ada@example.com"},{"value":"al@example.org"}]}`
	for name, c := range map[string]struct {
		policy, password string
		want             []string
	}{
		"nothing asked":            {`{}`, "", nil},
		"long enough":              {`{"minLength":3}`, "äöü", nil},
		"too short":                {`{"minLength":4}`, "äöü", []string{"minLength"}},
		"short enough":             {`{"maxLength":3}`, "äöü", nil},
		"too long":                 {`{"maxLength":3}`, "äöüß", []string{"maxLength"}},
		"letters":                  {`{"minAlphas":2}`, "aB1", nil},
		"too few letters":          {`{"minAlphas":2}`, "a1!", []string{"minAlphas"}},
		"digits":                   {`{"minNumerals":1}`, "a1", nil},
		"too few digits":           {`{"minNumerals":2}`, "a1", []string{"minNumerals"}},
		"letters and digits":       {`{"minAlphaNumerals":2}`, "a1!", nil},
		"too few of both":          {`{"minAlphaNumerals":3}`, "a1!", []string{"minAlphaNumerals"}},
		"special":                  {`{"minSpecialChars":2}`, "a !", nil},
		"too few special":          {`{"minSpecialChars":2}`, "a!", []string{"minSpecialChars"}},
		"too many special":         {`{"maxSpecialChars":1}`, "a!?", []string{"maxSpecialChars"}},
		"no special allowed":       {`{"maxSpecialChars":0}`, "a!", []string{"maxSpecialChars"}},
		"lower case":               {`{"minLowerCase":1}`, "Aä", nil},
		"too few lower case":       {`{"minLowerCase":2}`, "Aa", []string{"minLowerCase"}},
		"upper case":               {`{"minUpperCase":1}`, "aÄ", nil},
		"too few upper case":       {`{"minUpperCase":2}`, "Aa", []string{"minUpperCase"}},
		"different":                {`{"minUniqueChars":3}`, "abca", nil},
		"too few different":        {`{"minUniqueChars":3}`, "abab", []string{"minUniqueChars"}},
		"repeated":                 {`{"maxRepeatedChars":2}`, "abab", nil},
		"too often":                {`{"maxRepeatedChars":2}`, "ababa", []string{"maxRepeatedChars"}},
		"starts with a letter":     {`{"startsWithAlphabet":true}`, "é1", nil},
		"starts with a digit":      {`{"startsWithAlphabet":true}`, "1a", []string{"startsWithAlphabet"}},
		"starts with nothing":      {`{"startsWithAlphabet":true}`, "", []string{"startsWithAlphabet"}},
		"first name":               {`{"firstNameDisallowed":true}`, "xAUGUSTA9", []string{"firstNameDisallowed"}},
		"first name allowed":       {`{}`, "xAUGUSTA9", nil},
		"last name":                {`{"lastNameDisallowed":true}`, "lovelace", []string{"lastNameDisallowed"}},
		"part of the last name":    {`{"lastNameDisallowed":true}`, "lovelac", nil},
		"user name":                {`{"userNameDisallowed":true}`, "1ada.l@EXAMPLE.com1", []string{"userNameDisallowed"}},
		"value of an attribute":    {`{"disallowedUserAttributeValues":["title"]}`, "countess1", []string{"disallowedUserAttributeValues"}},
		"second value of a list":   {`{"disallowedUserAttributeValues":["emails.value"]}`, "al@example.org", []string{"disallowedUserAttributeValues"}},
		"attribute without value":  {`{"disallowedUserAttributeValues":["nickName","emails.value"]}`, "x", nil},
		"required characters":      {`{"requiredChars":"+-"}`, "a-+", nil},
		"one of them is missing":   {`{"requiredChars":"+-"}`, "a+", []string{"requiredChars"}},
		"allowed characters":       {`{"allowedChars":"abc"}`, "aab", nil},
		"others":                   {`{"allowedChars":"abc"}`, "aabd", []string{"allowedChars"}},
		"disallowed characters":    {`{"disallowedChars":"xy"}`, "abx", []string{"disallowedChars"}},
		"disallowed substring":     {`{"disallowedSubstrings":["acme","corp"]}`, "myCORP1", []string{"disallowedSubstrings"}},
		"no disallowed substring":  {`{"disallowedSubstrings":["acme","corp"]}`, "mycor", nil},
		"empty substring":          {`{"disallowedSubstrings":[""]}`, "x", nil},
		"word":                     {`{"dictionaryWordDisallowed":true}`, "Password", []string{"dictionaryWordDisallowed"}},
		"word with digits":         {`{"dictionaryWordDisallowed":true}`, "P4ssw0rd2024!", []string{"dictionaryWordDisallowed"}},
		"word in something longer": {`{"dictionaryWordDisallowed":true}`, "correct-password-battery", nil},
		"several at once": {
			`{"minLength":12,"minNumerals":1,"minUpperCase":1,"minSpecialChars":1,"lastNameDisallowed":true,"dictionaryWordDisallowed":true}`,
			"lovelace",
			[]string{"minLength", "minNumerals", "minSpecialChars", "minUpperCase", "lastNameDisallowed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			ti, err := b.e.info("User")
			if err != nil {
				t.Fatal(err)
			}
			p := parsePolicy(t, c.policy)
			list := p.broken(p.subjectOf(ti, doc(t, ada)), c.password)
			if diff := cmp.Diff(c.want, codes(list)); diff != "" {
				t.Error(diff)
			}
			for _, rule := range list {
				if !strings.HasPrefix(rule.Sentence, "The password ") {
					t.Errorf("sentence of %s: %q", rule.Code, rule.Sentence)
				}
			}
		})
	}
}

// TestShortNames: names of 3 or fewer characters are not looked for.
func TestShortNames(t *testing.T) {
	p := parsePolicy(t, `{"firstNameDisallowed":true,"lastNameDisallowed":true,"userNameDisallowed":true}`)
	for name, c := range map[string]struct {
		s    subject
		want []string
	}{
		"three":                  {subject{given: "Ada", family: "Fox", login: "adf"}, nil},
		"three of several bytes": {subject{given: "Äöü", family: "Äöü", login: "äöü"}, nil},
		"four":                   {subject{given: "Adam", family: "Foxy", login: "ad.x"}, []string{"firstNameDisallowed", "lastNameDisallowed", "userNameDisallowed"}},
		"none":                   {subject{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			password := "1" + c.s.given + "2" + c.s.family + "3" + c.s.login
			if diff := cmp.Diff(c.want, codes(p.broken(c.s, password))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// randomPolicy makes up criteria, also such that contradict each other.
func randomPolicy(r *rand.Rand) Document {
	d := Document{"name": "random", "passwordStrength": strengthCustom}
	maybe := func(name string, most int) {
		if r.IntN(3) == 0 {
			d[name] = jsonInt(r.IntN(most + 1))
		}
	}
	for _, name := range []string{"minAlphas", "minNumerals", "minAlphaNumerals", "minSpecialChars", "minLowerCase", "minUpperCase", "minUniqueChars"} {
		maybe(name, 9)
	}
	maybe("maxSpecialChars", 6)
	maybe("maxRepeatedChars", 4)
	if r.IntN(2) == 0 {
		d["minLength"] = jsonInt(1 + r.IntN(40))
	}
	if r.IntN(2) == 0 {
		d["maxLength"] = jsonInt(1 + r.IntN(60))
	}
	for _, name := range []string{"startsWithAlphabet", "firstNameDisallowed", "lastNameDisallowed", "userNameDisallowed", "dictionaryWordDisallowed"} {
		if r.IntN(3) == 0 {
			d[name] = true
		}
	}
	chars := func(n int) string {
		all := []rune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&/()=?+*äöüß€é漢字")
		var b strings.Builder
		for range n {
			b.WriteRune(all[r.IntN(len(all))])
		}
		return b.String()
	}
	if r.IntN(4) == 0 {
		d["requiredChars"] = chars(1 + r.IntN(4))
	}
	if r.IntN(4) == 0 {
		d["disallowedChars"] = chars(1 + r.IntN(12))
	}
	if r.IntN(5) == 0 {
		d["allowedChars"] = chars(10 + r.IntN(60))
	}
	if r.IntN(4) == 0 {
		d["disallowedSubstrings"] = []any{chars(1 + r.IntN(2)), chars(3)}
	}
	if r.IntN(4) == 0 {
		d["disallowedUserAttributeValues"] = []any{"title", "emails.value"}
	}
	return d
}

// TestMadePasswordsMeetThePolicy: whatever policy is accepted, the passwords
// that are made for its users meet it.
func TestMadePasswordsMeetThePolicy(t *testing.T) {
	b := newBench(t)
	ti, err := b.e.info("User")
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	ada := doc(t, `{"userName":"abcd","name":{"givenName":"Anna","familyName":"Bela"},"title":"Dame","emails":[{"value":"a@b.c"}]}`)
	accepted := 0
	for range 1500 {
		d := randomPolicy(r)
		if err := checkCriteria(d); err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Status != 400 {
				t.Fatalf("seed %d: %v", seed, err)
			}
			continue
		}
		accepted++
		data, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		p := parsePolicy(t, string(data))
		s := p.subjectOf(ti, ada)
		for range 2 {
			password, err := p.makePassword(s)
			if err != nil {
				t.Fatalf("seed %d: policy %s: %v", seed, data, err)
			}
			if list := p.broken(s, password); len(list) > 0 {
				t.Fatalf("seed %d: policy %s: %q breaks %v", seed, data, password, codes(list))
			}
			if !utf8.ValidString(password) || password == "" {
				t.Fatalf("seed %d: password %q", seed, password)
			}
		}
	}
	if accepted < 100 {
		t.Errorf("seed %d: only %d of the policies were accepted: the test says little", seed, accepted)
	}
}

func TestMadePasswordsDiffer(t *testing.T) {
	p := parsePolicy(t, `{"minLength":12,"minLowerCase":1,"minUpperCase":1,"minNumerals":1,"minSpecialChars":1}`)
	seen := map[string]bool{}
	first := map[rune]bool{}
	for range 200 {
		password, err := p.makePassword(subject{})
		if err != nil {
			t.Fatal(err)
		}
		if seen[password] || utf8.RuneCountInString(password) != madeLength {
			t.Fatalf("%q was made before or has another length than %d", password, madeLength)
		}
		seen[password] = true
		r, _ := utf8.DecodeRuneInString(password)
		first[r] = true
	}
	// What the rules demand is not always in the same place.
	if len(first) < 10 {
		t.Errorf("200 passwords begin with %d different characters only", len(first))
	}
}

func TestImpossiblePolicies(t *testing.T) {
	for name, c := range map[string]struct{ policy, messageID string }{
		"minimum above maximum":             {`{"minLength":9,"maxLength":8}`, msgPolicyInvalid},
		"special above maximum":             {`{"minSpecialChars":2,"maxSpecialChars":1}`, msgPolicyInvalid},
		"classes need more room":            {`{"maxLength":3,"minLowerCase":1,"minUpperCase":1,"minNumerals":1,"minSpecialChars":1}`, msgPolicyInvalid},
		"required is disallowed":            {`{"requiredChars":"a","disallowedChars":"a"}`, msgPolicyInvalid},
		"required is not allowed":           {`{"requiredChars":"a","allowedChars":"bc"}`, msgPolicyInvalid},
		"digits are not allowed":            {`{"minNumerals":1,"allowedChars":"abc"}`, msgPolicyInvalid},
		"different ones are too few":        {`{"minUniqueChars":4,"allowedChars":"abc"}`, msgPolicyInvalid},
		"length 0":                          {`{"minLength":0}`, msgRange},
		"length 501":                        {`{"maxLength":501}`, msgRange},
		"negative":                          {`{"minAlphas":-1}`, msgRange},
		"lockout of 4 minutes":              {`{"lockoutDuration":4}`, msgRange},
		"lockout of more than a day":        {`{"lockoutDuration":1441}`, msgRange},
		"priority 0":                        {`{"priority":0}`, msgRange},
		"priority 11":                       {`{"priority":11}`, msgRange},
		"longer history than is kept":       {`{"numPasswordsInHistory":25}`, msgRange},
		"repetitions leave too few":         {`{"maxRepeatedChars":1,"minLength":4,"allowedChars":"abc"}`, msgPolicyInvalid},
		"first a letter and none may be":    {`{"startsWithAlphabet":true,"allowedChars":"123"}`, msgPolicyInvalid},
		"no character is left to choose":    {`{"allowedChars":"a","disallowedChars":"a"}`, msgPolicyInvalid},
		"each single one is a substring":    {`{"allowedChars":"ab","disallowedSubstrings":["A","b"]}`, msgPolicyInvalid},
		"required one contains a substring": {`{"requiredChars":"z","disallowedSubstrings":["z"]}`, msgPolicyInvalid},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, checkCriteria(doc(t, c.policy)), 400, c.messageID) })
	}
	for name, text := range map[string]string{
		"limits": `{"minLength":1,"maxLength":500,"lockoutDuration":5,"priority":10,"numPasswordsInHistory":24}`,
		"other":  `{"minLength":500,"maxLength":500,"lockoutDuration":1440,"priority":1}`,
		"none":   `{"lockoutDuration":0,"maxIncorrectAttempts":0,"passwordExpiresAfter":0}`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := checkCriteria(doc(t, text)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSentencesHoldNoValue: a rule says what it asks for, and neither the
// password nor anything of the user.
func TestSentencesHoldNoValue(t *testing.T) {
	p := parsePolicy(t, `{"name":"strict","minLength":40,"firstNameDisallowed":true,"lastNameDisallowed":true,"userNameDisallowed":true}`)
	s := subject{given: "Augusta", family: "Lovelace", login: "countess"}
	err := error(&PasswordError{Policy: p.Name, Broken: p.broken(s, "augustalovelacecountess")})
	if !errors.Is(err, ErrPassword) {
		t.Error("not an ErrPassword")
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Status != 400 || e.MessageID != msgPasswordPolicy {
		t.Fatalf("the answer is %+v", e)
	}
	want := []any{"minLength", "firstNameDisallowed", "lastNameDisallowed", "userNameDisallowed"}
	if diff := cmp.Diff(map[string]any{"passwordPolicy": "strict", "brokenRules": want}, e.Data); diff != "" {
		t.Error(diff)
	}
	for _, value := range []string{s.given, s.family, s.login} {
		if strings.Contains(strings.ToLower(e.Detail), strings.ToLower(value)) {
			t.Errorf("%q is in %q", value, e.Detail)
		}
	}
}

func TestWordList(t *testing.T) {
	list := strings.Fields(wordList)
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) || len(list) < 100 {
		t.Errorf("the list of %d words is not sorted, or has one twice", len(list))
	}
	for _, word := range list {
		if word != strings.ToLower(word) || !isWord(word) {
			t.Errorf("%q is not found", word)
		}
	}
}
