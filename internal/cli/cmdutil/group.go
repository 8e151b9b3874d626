package cmdutil

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Group makes cmd refuse an unknown sub-command with what was probably meant.
// Without it Cobra prints the help of a group and exits 0, so that a script
// with a misspelt verb goes on as if it had done something.
func Group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return Unknown(cmd, args[0])
	}
	return cmd
}

// Unknown is the error of a sub-command that does not exist.
func Unknown(cmd *cobra.Command, name string) error {
	err := Usagef("unknown command %q for %q", name, cmd.CommandPath())
	if similar := Similar(name, verbs(cmd)); len(similar) > 0 {
		return err.WithHint("did you mean %s?", strings.Join(similar, " or "))
	}
	return err.WithHint("see %s --help", cmd.CommandPath())
}

// verbs lists the names and aliases of sub-commands. An alias is suggested by
// itself: it is as good as the name.
func verbs(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(append(names, c.Name()), c.Aliases...)
		}
	}
	return names
}

// Similar returns those of names that word was probably meant to be, best
// first.
func Similar(word string, names []string) []string {
	type hit struct {
		name string
		d    int
	}
	word = strings.ToLower(word)
	limit := max(1, min(3, len([]rune(word))/2))
	var hits []hit
	for _, n := range names {
		d := distance(word, strings.ToLower(n))
		if len(word) > 1 && strings.HasPrefix(strings.ToLower(n), word) {
			d = 0
		}
		if d <= limit {
			hits = append(hits, hit{n, d})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.d - b.d })
	var out []string
	for _, h := range hits {
		if h.d == hits[0].d { // the next best are noise beside the best
			out = append(out, h.name)
		}
	}
	return out
}

// distance counts insertions, deletions, replacements and swaps of neighbours
// between two words.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range y {
		rows[0][j+1] = j + 1
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}
