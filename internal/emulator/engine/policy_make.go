package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode"
)

// madeLength is the length of a generated password where the policy leaves
// room: a guess; the service says only that its suggestions meet the policy.
const madeLength = 16

// madeTries is after how many candidates with a name or a word in them it is
// given up.
const madeTries = 200

// errNoPassword says that no password was found that meets a policy.
var errNoPassword = errors.New("no password can meet the policy")

// Characters that passwords are made of unless the policy allows others. Left
// out are those that are taken for one another when read aloud or copied.
const (
	madeLower   = "abcdefghijkmnopqrstuvwxyz"
	madeUpper   = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	madeDigits  = "23456789"
	madeSpecial = "!#$%&*+-.=?@_~"
)

// maker draws the characters of one password.
type maker struct {
	p    *policy
	pool []rune
	out  []rune
	t    tally
}

// makePassword draws a password that meets the policy. The characters are drawn
// evenly from those that are allowed, so that what the rules demand is there
// and everything else is left to chance.
func (p *policy) makePassword(s subject) (string, error) {
	pool := p.usable()
	for range madeTries {
		m := maker{p: p, pool: pool, t: tally{times: map[rune]int{}}}
		password, err := m.draw()
		if err != nil {
			return "", err
		}
		if len(p.broken(s, password)) == 0 {
			return password, nil
		}
	}
	return "", fmt.Errorf("%w %s", errNoPassword, p.Name)
}

// usable are the characters that a password may have.
func (p *policy) usable() []rune {
	chars := madeLower + madeUpper + madeDigits + madeSpecial
	if p.AllowedChars != "" {
		chars = p.AllowedChars
	}
	chars += p.RequiredChars
	var pool []rune
	for _, r := range chars {
		switch {
		case slices.Contains(pool, r),
			strings.ContainsRune(p.DisallowedChars, r),
			p.AllowedChars != "" && !strings.ContainsRune(p.AllowedChars, r),
			slices.ContainsFunc(p.NoSubstrings, func(part string) bool { return fold(part) == fold(string(r)) }):
		default:
			pool = append(pool, r)
		}
	}
	return pool
}

// draw makes one candidate.
func (m *maker) draw() (string, error) {
	p := m.p
	for _, r := range p.RequiredChars {
		if m.t.times[r] == 0 {
			m.put(r)
		}
	}
	for _, need := range []struct {
		have *int
		want int
		is   func(rune) bool
	}{
		{&m.t.lower, p.MinLower, unicode.IsLower},
		{&m.t.upper, p.MinUpper, unicode.IsUpper},
		{&m.t.digits, p.MinNumerals, unicode.IsDigit},
		{&m.t.special, p.MinSpecial, special},
		{&m.t.letters, p.MinAlphas, unicode.IsLetter},
	} {
		for *need.have < need.want {
			if err := m.pick(need.is); err != nil {
				return "", err
			}
		}
	}
	if p.StartsWithLetter && m.t.letters == 0 {
		if err := m.pick(unicode.IsLetter); err != nil {
			return "", err
		}
	}
	for m.t.letters+m.t.digits < p.MinAlphaNumerals {
		if err := m.pick(func(r rune) bool { return !special(r) }); err != nil {
			return "", err
		}
	}
	length := max(madeLength, p.MinLength)
	if p.MaxLength > 0 {
		length = min(length, p.MaxLength)
	}
	for m.t.length < length || len(m.t.times) < p.MinUnique {
		is := func(rune) bool { return true }
		if m.t.length >= length { // only what is not there yet brings it nearer
			is = func(r rune) bool { return m.t.times[r] == 0 }
		}
		if err := m.pick(is); err != nil {
			// A short alphabet ends the filling, not the password.
			if m.t.length >= max(p.MinLength, 1) && len(m.t.times) >= p.MinUnique {
				break
			}
			return "", err
		}
	}
	if p.MaxLength > 0 && m.t.length > p.MaxLength {
		return "", fmt.Errorf("%w %s: it asks for more characters than it allows", errNoPassword, p.Name)
	}
	return m.shuffled()
}

func special(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func (m *maker) put(r rune) {
	m.out = append(m.out, r)
	m.t.add(r)
}

// pick adds one character of a class, preferring one that is not there yet
// while the policy asks for different ones.
func (m *maker) pick(is func(rune) bool) error {
	var fresh, all []rune
	for _, r := range m.pool {
		switch {
		case !is(r),
			m.p.MaxRepeated > 0 && m.t.times[r] >= m.p.MaxRepeated,
			m.p.MaxSpecial != nil && special(r) && m.t.special >= *m.p.MaxSpecial:
			continue
		case m.t.times[r] == 0:
			fresh = append(fresh, r)
		}
		all = append(all, r)
	}
	if len(fresh) > 0 && len(m.t.times) < m.p.MinUnique {
		all = fresh
	}
	if len(all) == 0 {
		return fmt.Errorf("%w %s: too few characters are allowed", errNoPassword, m.p.Name)
	}
	i, err := below(len(all))
	if err != nil {
		return err
	}
	m.put(all[i])
	return nil
}

// shuffled mixes the characters, so that their order tells nothing of the
// rules, and puts a letter first where the policy wants one.
func (m *maker) shuffled() (string, error) {
	for i := len(m.out) - 1; i > 0; i-- {
		j, err := below(i + 1)
		if err != nil {
			return "", err
		}
		m.out[i], m.out[j] = m.out[j], m.out[i]
	}
	if m.p.StartsWithLetter {
		if i := slices.IndexFunc(m.out, unicode.IsLetter); i > 0 {
			m.out[0], m.out[i] = m.out[i], m.out[0]
		}
	}
	return string(m.out), nil
}

// below draws a number from 0 to n-1, each as likely as the others.
func below(n int) (int, error) {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0, err
	}
	return int(i.Int64()), nil
}
