package engine

import "github.com/idctl/idctl/pkg/scim/filter"

// fold is how index entries and names are compared: as the filters that look
// for them compare.
func fold(s string) string { return filter.Fold(s) }
