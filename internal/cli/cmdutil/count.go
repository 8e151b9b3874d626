package cmdutil

import "strconv"

// Count says how many of something there are, "1 row" or "2 rows", for words
// whose plural is made with an s.
func Count(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return strconv.Itoa(n) + " " + word
}
