package provider

import (
	"errors"
	"slices"
	"strings"
)

// ErrUnknownResource says that there is no such resource type. See UnknownResourceError.
var ErrUnknownResource = errors.New("unknown resource type")

// UnknownResourceError names a word that is no resource type, and the types
// that may have been meant. It is ErrUnknownResource.
type UnknownResourceError struct {
	Provider   string
	Name       string
	Candidates []string
}

// Error names the word and the likely types.
func (e *UnknownResourceError) Error() string {
	return "provider " + e.Provider + " has no resource type " + quoteWord(e.Name)
}

// Is matches ErrUnknownResource.
func (e *UnknownResourceError) Is(target error) bool { return target == ErrUnknownResource }

// Hint asks whether one of the candidates was meant; it is empty without any.
func (e *UnknownResourceError) Hint() string {
	if len(e.Candidates) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(e.Candidates, ", ") + "?"
}

// NewUnknownResource picks the likely candidates for name from known.
func NewUnknownResource(provider, name string, known []string) *UnknownResourceError {
	return &UnknownResourceError{Provider: provider, Name: name, Candidates: Similar(name, known, 5)}
}

// PlainName is a resource type's name as people type it: lower case, without
// hyphens, underscores and slashes around it.
func PlainName(s string) string {
	return strings.NewReplacer("-", "", "_", "", "/", "", " ", "").Replace(strings.ToLower(s))
}

// Similar picks at most n words of known that resemble word, best first.
func Similar(word string, known []string, n int) []string {
	type hit struct {
		word string
		rank int
	}
	plain := PlainName(word)
	if plain == "" || len(plain) > 100 {
		return nil
	}
	limit := 1 + len(plain)/4
	var hits []hit
	for _, k := range known {
		p := PlainName(k)
		d := distance(plain, p)
		switch {
		case d <= limit:
			hits = append(hits, hit{k, d})
		case len(plain) >= 3 && strings.Contains(p, plain):
			hits = append(hits, hit{k, 10 + len(p) - len(plain)})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return strings.Compare(a.word, b.word)
	})
	var out []string
	for _, h := range hits[:min(n, len(hits))] {
		out = append(out, h.word)
	}
	return out
}

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

func quoteWord(s string) string {
	const limit = 80
	if len(s) > limit {
		s = s[:limit] + "..."
	}
	return `"` + strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s) + `"`
}
