package engine

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/idctl/idctl/pkg/scim/filter"
)

// policy is a password policy as the code works with it; a criterion of 0,
// false or nothing asks for nothing. The names are those of the schema.
type policy struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Strength string `json:"passwordStrength"`
	Priority int    `json:"priority"`
	Groups   []struct {
		Value string `json:"value"`
	} `json:"groups"`

	MinLength           int      `json:"minLength"`
	MaxLength           int      `json:"maxLength"`
	MinAlphas           int      `json:"minAlphas"`
	MinNumerals         int      `json:"minNumerals"`
	MinAlphaNumerals    int      `json:"minAlphaNumerals"`
	MinSpecial          int      `json:"minSpecialChars"`
	MaxSpecial          *int     `json:"maxSpecialChars"` // none at all is a limit, too
	MinLower            int      `json:"minLowerCase"`
	MinUpper            int      `json:"minUpperCase"`
	MinUnique           int      `json:"minUniqueChars"`
	MaxRepeated         int      `json:"maxRepeatedChars"`
	StartsWithLetter    bool     `json:"startsWithAlphabet"`
	NoFirstName         bool     `json:"firstNameDisallowed"`
	NoLastName          bool     `json:"lastNameDisallowed"`
	NoUserName          bool     `json:"userNameDisallowed"`
	NoValuesOf          []string `json:"disallowedUserAttributeValues"`
	RequiredChars       string   `json:"requiredChars"`
	DisallowedChars     string   `json:"disallowedChars"`
	AllowedChars        string   `json:"allowedChars"`
	NoSubstrings        []string `json:"disallowedSubstrings"`
	NoDictionaryWord    bool     `json:"dictionaryWordDisallowed"`
	InHistory           int      `json:"numPasswordsInHistory"`
	DistinctFromOld     int      `json:"distinctCharacters"`
	MinAge              int      `json:"minPasswordAge"`
	ExpiresAfter        int      `json:"passwordExpiresAfter"`
	MaxIncorrect        int      `json:"maxIncorrectAttempts"`
	LockoutDuration     int      `json:"lockoutDuration"`
	ExpireWarning       int      `json:"passwordExpireWarning"`
	DictionaryLocation  string   `json:"dictionaryLocation"`
	DictionaryDelimiter string   `json:"dictionaryDelimiter"`
}

// shortName is the longest name for which the name rules are skipped
// (idcs-behaviour 3.4).
const shortName = 3

// subject is whose password it is.
type subject struct {
	given, family, login string
	// values are what the named attributes hold.
	values map[string][]string
}

// subjectOf reads what the name rules of a policy compare with.
func (p *policy) subjectOf(ti *typeInfo, user Document) subject {
	name := asMap(user["name"])
	var s subject
	s.given, _ = name["givenName"].(string)
	s.family, _ = name["familyName"].(string)
	s.login, _ = user["userName"].(string)
	for _, path := range p.NoValuesOf {
		a := ti.attributeAt(path)
		if a == nil {
			continue // of a custom attribute that was removed since
		}
		for _, x := range elements(value(user, a.top())) {
			if a.parent != nil {
				x = asMap(x)[a.Name]
			}
			for _, y := range elements(x) {
				if text, ok := y.(string); ok {
					if s.values == nil {
						s.values = map[string][]string{}
					}
					s.values[path] = append(s.values[path], text)
				}
			}
		}
	}
	return s
}

// attributeAt finds the attribute that a path without a filter names.
func (ti *typeInfo) attributeAt(path string) *attr {
	p, err := filter.ParsePath(path)
	if err != nil || p.Filter != nil {
		return nil
	}
	if p.Sub != "" {
		p.Attr.Sub = p.Sub
	}
	return ti.lookup(p.Attr)
}

// tally counts the characters of a password by class. Blanks and everything
// else that is neither letter nor digit is special.
type tally struct {
	length, lower, upper, letters, digits, special int
	times                                          map[rune]int
}

func count(password string) tally {
	t := tally{times: map[rune]int{}}
	for _, r := range password {
		t.add(r)
	}
	return t
}

func (t *tally) add(r rune) {
	t.length++
	t.times[r]++
	switch {
	case unicode.IsLetter(r):
		t.letters++
		switch {
		case unicode.IsLower(r):
			t.lower++
		case unicode.IsUpper(r):
			t.upper++
		}
	case unicode.IsDigit(r):
		t.digits++
	default:
		t.special++
	}
}

// broken lists every rule that a password breaks, in a fixed order. What needs
// the user's record, history and age, is not among them. That a character may
// stand maxRepeatedChars times in all, and not in a row, and that names and
// values are looked for anywhere and without regard to case, are guesses.
func (p *policy) broken(s subject, password string) []BrokenRule {
	var list []BrokenRule
	rule := func(kept bool, code, format string, args ...any) {
		if !kept {
			list = append(list, BrokenRule{Code: code, Sentence: fmt.Sprintf(format, args...)})
		}
	}
	t := count(password)
	least := func(code string, have, want int, what string) {
		rule(have >= want, code, "The password must have at least %s.", plural(want, what))
	}
	least("minLength", t.length, p.MinLength, "character")
	rule(p.MaxLength == 0 || t.length <= p.MaxLength, "maxLength", "The password must not have more than %s.", plural(p.MaxLength, "character"))
	least("minAlphas", t.letters, p.MinAlphas, "letter")
	least("minNumerals", t.digits, p.MinNumerals, "digit")
	least("minAlphaNumerals", t.letters+t.digits, p.MinAlphaNumerals, "letter or digit")
	least("minSpecialChars", t.special, p.MinSpecial, "special character")
	if p.MaxSpecial != nil {
		rule(t.special <= *p.MaxSpecial, "maxSpecialChars", "The password must not have more than %s.", plural(*p.MaxSpecial, "special character"))
	}
	least("minLowerCase", t.lower, p.MinLower, "lower-case letter")
	least("minUpperCase", t.upper, p.MinUpper, "upper-case letter")
	least("minUniqueChars", len(t.times), p.MinUnique, "different character")
	if p.MaxRepeated > 0 {
		most := 0
		for _, n := range t.times {
			most = max(most, n)
		}
		rule(most <= p.MaxRepeated, "maxRepeatedChars", "The password must not have the same character more than %s.", plural(p.MaxRepeated, "time"))
	}
	if p.StartsWithLetter {
		first, _ := utf8.DecodeRuneInString(password)
		rule(unicode.IsLetter(first), "startsWithAlphabet", "The password must start with a letter.")
	}
	p.brokenNames(s, password, rule)
	p.brokenContent(t, password, rule)
	return list
}

// brokenNames checks the rules about what is known of the user. Nothing that
// the sentences say is a value: they may be shown to somebody else.
func (p *policy) brokenNames(s subject, password string, rule func(kept bool, code, format string, args ...any)) {
	low := fold(password)
	free := func(name string) bool {
		return utf8.RuneCountInString(name) <= shortName || !strings.Contains(low, fold(name))
	}
	rule(!p.NoFirstName || free(s.given), "firstNameDisallowed", "The password must not contain the first name.")
	rule(!p.NoLastName || free(s.family), "lastNameDisallowed", "The password must not contain the last name.")
	rule(!p.NoUserName || free(s.login), "userNameDisallowed", "The password must not contain the user name.")
	for _, path := range p.NoValuesOf {
		rule(!slices.ContainsFunc(s.values[path], func(v string) bool { return !free(v) }),
			"disallowedUserAttributeValues", "The password must not contain the value of %s.", path)
	}
}

// brokenContent checks the rules about certain characters and words.
func (p *policy) brokenContent(t tally, password string, rule func(kept bool, code, format string, args ...any)) {
	for _, r := range p.RequiredChars {
		if t.times[r] == 0 {
			rule(false, "requiredChars", "The password must contain each of the characters %s", p.RequiredChars)
			break
		}
	}
	if p.AllowedChars != "" {
		outside := strings.ContainsFunc(password, func(r rune) bool { return !strings.ContainsRune(p.AllowedChars, r) })
		rule(!outside, "allowedChars", "The password must contain no other characters than %s", p.AllowedChars)
	}
	rule(!strings.ContainsAny(password, p.DisallowedChars), "disallowedChars", "The password must contain none of the characters %s", p.DisallowedChars)
	low := fold(password)
	for _, part := range p.NoSubstrings {
		if part != "" && strings.Contains(low, fold(part)) {
			rule(false, "disallowedSubstrings", "The password must not contain any of: %s.", strings.Join(p.NoSubstrings, ", "))
			break
		}
	}
	if p.NoDictionaryWord {
		rule(!isWord(password), "dictionaryWordDisallowed", "The password must not be a word of the dictionary.")
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if before, after, ok := strings.Cut(what, " or "); ok { // "letters or digits"
		return fmt.Sprintf("%d %ss or %ss", n, before, after)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
