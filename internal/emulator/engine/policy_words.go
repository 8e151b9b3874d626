package engine

import (
	_ "embed" // for the list of words
	"strings"
	"sync"
	"unicode"
)

// wordList are words that people choose as passwords, one a line.
//
//go:embed words.txt
var wordList string

// words is the list as a set. It is made when a policy first asks for it.
var words = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(wordList) {
		set[word] = true
	}
	return set
})

// plainLetters undoes what people put in place of letters.
var plainLetters = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "$", "s", "@", "a", "!", "i")

// isWord says that a password is a word of the list: as it stands, with digits
// and signs around it, or with digits in place of letters. Which of these the
// service finds is a guess.
func isWord(password string) bool {
	low := strings.ToLower(password)
	bare := strings.TrimFunc(low, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, form := range []string{low, bare, plainLetters.Replace(low), plainLetters.Replace(bare)} {
		if words()[form] {
			return true
		}
		// "passw0rd1!": digits in the word and signs behind it.
		if form = strings.TrimFunc(form, func(r rune) bool { return !unicode.IsLetter(r) }); words()[form] {
			return true
		}
	}
	tail := strings.TrimRightFunc(low, func(r rune) bool { return !unicode.IsLetter(r) })
	return words()[plainLetters.Replace(tail)]
}
