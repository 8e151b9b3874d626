package provider_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/idctl/idctl/internal/provider"
)

func TestCustomAttributeCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		a    provider.CustomAttribute
		want []string // parts of the error, empty for none
	}{
		"least":           {provider.CustomAttribute{Name: "badge"}, nil},
		"whole":           {provider.CustomAttribute{Name: "Badge_2", Label: "Badge", Type: "string", MinLength: 2, MaxLength: 4000, Pattern: "[A-Z]+"}, nil},
		"number":          {provider.CustomAttribute{Name: "floor", Type: "integer"}, nil},
		"no name":         {provider.CustomAttribute{}, []string{"it has no name"}},
		"dash":            {provider.CustomAttribute{Name: "a-b"}, []string{"letters, digits and underscores"}},
		"digit":           {provider.CustomAttribute{Name: "1a"}, []string{"begins with a letter"}},
		"umlaut":          {provider.CustomAttribute{Name: "größe"}, []string{"letters, digits"}},
		"long name":       {provider.CustomAttribute{Name: strings.Repeat("x", 31)}, []string{"at most 30"}},
		"long label":      {provider.CustomAttribute{Name: "x", Label: strings.Repeat("ä", 121)}, []string{"121 characters, at most 120"}},
		"label fits":      {provider.CustomAttribute{Name: "x", Label: strings.Repeat("ä", 120)}, nil},
		"type":            {provider.CustomAttribute{Name: "x", Type: "complex"}, []string{"the type must be one of"}},
		"too long":        {provider.CustomAttribute{Name: "x", MaxLength: 4001}, []string{"1 to 4000"}},
		"negative":        {provider.CustomAttribute{Name: "x", MaxLength: -1}, []string{"1 to 4000"}},
		"min over max":    {provider.CustomAttribute{Name: "x", MinLength: 5, MaxLength: 4}, []string{"0 to 4"}},
		"length of other": {provider.CustomAttribute{Name: "x", Type: "boolean", MaxLength: 4}, []string{"only texts"}},
		"pattern":         {provider.CustomAttribute{Name: "x", Pattern: "(a"}, []string{"cannot be read"}},
		"several":         {provider.CustomAttribute{Name: "a b", Type: "x", Pattern: "["}, []string{"letters", "type", "cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.a.Check()
			if (err == nil) != (len(tt.want) == 0) || err != nil && !errors.Is(err, provider.ErrAttribute) {
				t.Fatalf("error %v", err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
		})
	}
}
