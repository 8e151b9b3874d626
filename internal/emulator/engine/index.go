package engine

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// indexed are the paths that the store indexes, for each type that declares
// them as searchable. There are few on purpose: an index over every searchable
// attribute costs more at a million users than scans of the others do.
var indexed = []string{
	"userName", "displayName", "name", "externalId",
	"emails.value", "emails.type", "name.familyName", "name.givenName",
	enterpriseURN + ":manager.value",
	"meta.created", "meta.lastModified",
	"user.value", "userId", "app.value", "grantee.value", "grantee.type", "entitlement.attributeValue",
	"timestamp", "eventId", "actorName", "adminResourceId",
}

// notIndexed are exceptions, by type: audit events are many and are looked for
// by timestamp.
var notIndexed = map[string][]string{
	"AuditEvent": {"meta.created", "meta.lastModified"},
}

// indexPath is a declared index of a type.
type indexPath struct {
	attr *attr
	path string
	// folded says that the index has no regard to case though the attribute
	// has: it finds too much, and is of no use for sorting.
	folded bool
}

func indexPaths(ti *typeInfo) []indexPath {
	var list []indexPath
	for _, path := range indexed {
		p, err := filter.ParsePath(path)
		if err != nil {
			continue
		}
		a := ti.lookup(p.Attr)
		if a == nil || !a.Searchable || a.complex() || contains(notIndexed[ti.rt.Name], path) {
			continue
		}
		list = append(list, indexPath{attr: a, path: a.path})
	}
	return list
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// indexFor answers the index of an attribute.
func (ti *typeInfo) indexFor(a *attr) (indexPath, bool) {
	for _, ip := range ti.index {
		if ip.attr == a {
			return ip, true
		}
	}
	return indexPath{}, false
}

// indexValue is a value as the index has it, so that byte order is the order
// of filters. It is false for values that are not indexed: the empty string is
// one, so that presence means the same here as in a filter.
func (a *attr) indexValue(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		if a.Type == schema.TypeDateTime {
			t, err := filter.ParseTime(v)
			if err != nil {
				return "", false
			}
			return t.UTC().Format("2006-01-02T15:04:05.000000000Z"), true
		}
		if !a.CaseExact {
			v = fold(v)
		}
		return v, v != ""
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return numberKey(v)
	}
	return "", false
}

// numberKey writes an integer so that byte order is numeric order.
func numberKey(n json.Number) (string, bool) {
	i, err := n.Int64()
	if err != nil {
		return "", false
	}
	const digits = 20
	s := strconv.FormatUint(uint64(i)^(1<<63), 10) //nolint:gosec // the bits are wanted
	return strings.Repeat("0", digits-len(s)) + s, true
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

// entries derives the index of a document. The primary element of a list
// comes first, since it is the one to sort by (RFC 7644 section 3.4.2.3).
func (ti *typeInfo) entries(doc Document) []store.Entry {
	list := make([]store.Entry, 0, len(ti.index)+len(ti.index)/2)
	for _, ip := range ti.index {
		top := ip.attr.top()
		elem := 1
		for _, x := range elements(value(doc, top)) {
			n := elem
			elem++
			if p, _ := asMap(x)["primary"].(bool); p && top.MultiValued {
				n = 0
			}
			if ip.attr.parent != nil {
				x = asMap(x)[ip.attr.Name]
			}
			for _, y := range elements(x) {
				if s, ok := ip.attr.indexValue(y); ok {
					if !top.MultiValued {
						n = 0
					}
					list = append(list, store.Entry{Path: ip.path, Elem: n, Value: s})
				}
			}
		}
	}
	return list
}

// claims derives what must be unique about a document.
func (ti *typeInfo) claims(doc Document) []store.Claim {
	var list []store.Claim
	for _, a := range ti.unique {
		for _, x := range elements(value(doc, a.top())) {
			if a.parent != nil {
				x = asMap(x)[a.Name]
			}
			for _, y := range elements(x) {
				if s, ok := a.indexValue(y); ok {
					list = append(list, store.Claim{Path: a.path, Value: s})
				}
			}
		}
	}
	return list
}

// scratch are buffers in which texts are made whose size is not known before.
var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// record makes the stored form of a document.
func (ti *typeInfo) record(id string, doc Document, version string, created, modified time.Time) (store.Record, error) {
	buf, _ := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	var err error
	if *buf, err = AppendJSON((*buf)[:0], doc); err != nil {
		return store.Record{}, err
	}
	return store.Record{
		Type: ti.rt.Name, ID: id, Version: version, Created: created, Modified: modified,
		Data: bytes.Clone(*buf), Given: true, Index: ti.entries(doc), Unique: ti.claims(doc),
	}, nil
}
