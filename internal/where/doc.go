// Package where is the language of --where, a short way to say which resources
// are meant: department=IT and locked and created>30d. It is compiled to the
// filters of RFC 7644, and split into what the service can search and what is
// left to be matched here.
//
//	expression = either { "or" either }
//	either     = term { "and" term }
//	term       = "not" term | "(" expression ")" | "has" NAME | WORD
//	           | NAME operator VALUE | NAME [ "not" ] "in" "(" VALUE { "," VALUE } ")"
//	operator   = "=" | "!=" | "~" | "!~" | "^=" | "$=" | ">" | ">=" | "<" | "<="
//
// What a name means is told by Names, so that this package knows neither
// commands nor services. It sends nothing.
package where
