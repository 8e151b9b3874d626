package filter_test

import (
	"errors"
	"fmt"

	"github.com/idctl/idctl/pkg/scim/filter"
)

func Example() {
	e, err := filter.Parse(`emails[type eq "work" and value ew "@EXAMPLE.com"] AND (active eq true)`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e)
	m, err := filter.Compile(e, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Match(map[string]any{
		"active": true,
		"emails": []any{map[string]any{"type": "work", "value": "ada@example.com"}},
	}))
	// Output:
	// emails[type eq "work" and value ew "@EXAMPLE.com"] and active eq true
	// true
}

func ExampleAllOf() {
	name := `O"Neill`
	e := filter.AllOf(
		filter.Eq(filter.MustAttr("name.familyName"), name),
		filter.Negate(filter.Pr(filter.MustAttr("manager"))),
	)
	fmt.Println(e)
	// Output: name.familyName eq "O\"Neill" and not (manager pr)
}

func ExampleSyntaxError() {
	_, err := filter.Parse(`userName eq ada`)
	fmt.Println(err)
	var syntax *filter.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Println(syntax.Caret())
	}
	// Output:
	// filter: column 13: a text needs double quotes
	// userName eq ada
	//             ^
}
