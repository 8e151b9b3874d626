package provider

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ErrAttribute says that the definition of an attribute cannot be.
var ErrAttribute = errors.New("the definition of the attribute cannot be")

// Bounds of the definition of an attribute. The longest text is documented for
// identity domains; the service has the last word on the others, which no
// source names.
const (
	MaxAttributeName   = 30
	MaxAttributeLabel  = 120
	MaxAttributeLength = 4000
)

// CustomAttribute is an attribute of users that an administrator defined.
type CustomAttribute struct {
	Name        string `json:"name"`
	Label       string `json:"label,omitempty"`
	Description string `json:"description,omitempty"`
	// Type is string, integer, boolean, decimal or dateTime; empty is string.
	Type        string `json:"type,omitempty"`
	MultiValued bool   `json:"multiValued,omitempty"`
	// MinLength and MaxLength count characters; 0 leaves it to the service.
	MinLength int `json:"minLength,omitempty"`
	MaxLength int `json:"maxLength,omitempty"`
	// Pattern is a regular expression that whole values must match.
	Pattern string `json:"pattern,omitempty"`
	// Searchable lets filters name it; nil leaves it to the service.
	Searchable *bool `json:"searchable,omitempty"`
	// Path names the attribute in documents, filters and --set.
	Path string `json:"path,omitempty"`
}

// attributeTypes are the types that can be defined.
func attributeTypes() []string {
	return []string{"string", "integer", "boolean", "decimal", "dateTime"}
}

// Check says everything that is wrong with a definition, as far as that can be
// known without the service. Each of the joined errors is ErrAttribute.
func (a CustomAttribute) Check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("attribute %q: %w: %s", a.Name, ErrAttribute, fmt.Sprintf(format, args...)))
	}
	text := a.Type == "" || a.Type == "string"
	known := false
	for _, t := range attributeTypes() {
		known = known || a.Type == "" || a.Type == t
	}
	switch {
	case a.Name == "":
		bad("it has no name")
	case !validName(a.Name):
		bad("a name has letters, digits and underscores, and begins with a letter")
	case len(a.Name) > MaxAttributeName:
		bad("the name has %d characters, at most %d are allowed", len(a.Name), MaxAttributeName)
	}
	if n := utf8.RuneCountInString(a.Label); n > MaxAttributeLabel {
		bad("the label has %d characters, at most %d are allowed", n, MaxAttributeLabel)
	}
	if !known {
		bad("the type must be one of %s, not %q", strings.Join(attributeTypes(), ", "), a.Type)
	}
	switch {
	case a.MaxLength < 0 || a.MaxLength > MaxAttributeLength:
		bad("the longest value must have 1 to %d characters, not %d", MaxAttributeLength, a.MaxLength)
	case a.MinLength < 0 || a.MaxLength > 0 && a.MinLength > a.MaxLength:
		bad("the shortest value must have 0 to %d characters, not %d", max(a.MaxLength, 0), a.MinLength)
	case !text && (a.MaxLength > 0 || a.MinLength > 0 || a.Pattern != ""):
		bad("only texts have a length and a regular expression")
	}
	if _, err := regexp.Compile(a.Pattern); err != nil {
		bad("the regular expression cannot be read: %v", err)
	}
	return errors.Join(errs...)
}

func validName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			return false
		}
	}
	return true
}

// CustomAttributes are the attributes of users that administrators define.
type CustomAttributes interface {
	// List answers all of them with the version of the list.
	List(ctx context.Context) (list []CustomAttribute, version string, err error)
	// Define adds attributes, and changes those that are there already. The
	// version guards against a change by somebody else.
	Define(ctx context.Context, add, change []CustomAttribute, version string) error
	// Remove removes attributes with the values that users have of them.
	Remove(ctx context.Context, names []string, version string) error
}

// CustomProvider is what a Provider implements that has CustomAttributes.
type CustomProvider interface {
	CustomAttributes() CustomAttributes
}

// CustomAttributesOf are those of a provider. One without any answers
// *UnsupportedError.
func CustomAttributesOf(p Provider) (CustomAttributes, error) {
	if c, ok := p.(CustomProvider); ok {
		return c.CustomAttributes(), nil
	}
	return nil, &UnsupportedError{
		Provider: p.Name(), What: "define attributes", Instead: "idctl resources schema User lists those that there are",
	}
}
