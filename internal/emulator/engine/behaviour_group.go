package engine

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// memberKind is the kind of the links from groups to their members. The
// members of a group and the groups of a user are read from them and stored
// nowhere else, so that they cannot disagree.
const memberKind = "member"

// maxNarrow is how many members of a group a filter on groups.value is
// answered for by their ids; users of larger groups are matched one by one.
const maxNarrow = 20000

// membership is what a link keeps.
type membership struct {
	DateAdded string `json:"dateAdded"`
}

func groupHooks() Hooks {
	return Hooks{
		Split:       splitMembers,
		AfterCreate: linkMembers,
		AfterWrite:  linkMembers,
		AfterDelete: groupGone,
		PatchStep:   patchMembers,
		Derive:      deriveGroup,
		Derives:     append(accessPaths(groupURN), "members"),
		ShowsStored: true,
		Narrow: func(tx *Tx, n narrow) ([]string, bool, error) {
			if n.attr.urn == groupURN {
				return narrowAccess(tx, groupURN, "Group", n)
			}
			return narrowMembers(tx, n)
		},
	}
}

// splitMembers takes the members out of a group's document.
func splitMembers(c *Change) error {
	members, ok := c.New["members"]
	delete(c.New, "members")
	if ok || c.Replace {
		c.Split = map[string]any{"members": members}
	}
	return nil
}

// linkMembers makes the links of a new group, or replaces those of one that
// was replaced.
func linkMembers(c *Change) error {
	members, ok := c.Split["members"]
	if !ok {
		return nil
	}
	if c.Old == nil {
		return addMembers(c, elements(members))
	}
	return replaceMembers(c, elements(members))
}

func addMembers(c *Change, list []any) error {
	for _, x := range list {
		if _, err := addMember(c, asMap(x)); err != nil {
			return err
		}
	}
	return nil
}

// addMember links one member and answers its id.
func addMember(c *Change, m map[string]any) (string, error) {
	members := c.ti.core.get("members")
	id, err := c.Tx.reference(members, "User", m)
	if err != nil {
		return "", err
	}
	_, err = c.Tx.st.GetLink(memberKind, c.ID, id)
	if err == nil {
		return id, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if err := c.Tx.within("User", id); err != nil {
		return "", err
	}
	user, err := c.Tx.summary("User", id)
	if err != nil {
		return "", err
	}
	if !user.found {
		return "", badReference(members, "User", id)
	}
	data, err := json.Marshal(membership{DateAdded: formatTime(c.Tx.now)})
	if err != nil {
		return "", err
	}
	if _, err := c.Tx.st.PutLink(store.Link{Kind: memberKind, From: c.ID, To: id, Value: data}); err != nil {
		return "", err
	}
	c.Changed = true
	if err := c.Tx.joined(c.ID, id); err != nil {
		return "", err
	}
	return id, c.Tx.auditLink(c, "add", "User", id, user)
}

func removeMember(c *Change, id string) error {
	removed, err := c.Tx.st.DeleteLink(memberKind, c.ID, id)
	if err != nil || !removed {
		return err
	}
	user, err := c.Tx.summary("User", id)
	if err != nil {
		return err
	}
	c.Changed = true
	if err := c.Tx.left(c.ID, id); err != nil {
		return err
	}
	return c.Tx.auditLink(c, "remove", "User", id, user)
}

// replaceMembers makes the list the whole membership. Members that stay keep
// their links.
func replaceMembers(c *Change, list []any) error {
	keep := map[string]bool{}
	for _, x := range list {
		id, err := addMember(c, asMap(x))
		if err != nil {
			return err
		}
		keep[id] = true
	}
	ids, err := memberIDs(c.Tx, c.ID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !keep[id] {
			if err := removeMember(c, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// memberIDs lists the members of a group. They are collected before anything
// is written: a link must not vanish under an iteration.
func memberIDs(tx *Tx, group string) ([]string, error) {
	var ids []string
	for link, err := range tx.st.Links(store.LinkQuery{Kind: memberKind, From: group}) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, link.To)
	}
	return ids, nil
}

// groupGone removes what a group was granted, while its members are known, and
// then the memberships.
func groupGone(c *Change) error {
	if err := dropGrants(c); err != nil {
		return err
	}
	ids, err := memberIDs(c.Tx, c.ID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := c.Tx.st.DeleteLink(memberKind, c.ID, id); err != nil {
			return err
		}
	}
	return c.Tx.unassignPolicies(c.ID)
}

// patchMembers carries out a step on members directly on the links, so that
// one member of a large group costs one link.
func patchMembers(c *Change, s *step) (bool, error) {
	members := c.schema().core.get("members")
	if s.attr != members {
		return false, nil
	}
	if s.sub != nil {
		if s.sub.readOnly() {
			return true, readOnlyError(s.attr, s.sub)
		}
		if s.sub.Mutability == schema.Immutable {
			return true, fail(http.StatusBadRequest, scimMutability, msgImmutable, "Attribute %s has a value and cannot be changed.", s.sub.path)
		}
		return true, fail(http.StatusBadRequest, scimInvalidPath, msgPath, "A member is added or removed as a whole.")
	}
	if s.filter != nil {
		ids, err := selectMembers(c, s)
		if err != nil {
			return true, err
		}
		if s.strict && s.op == "replace" && len(ids) == 0 {
			return true, fail(http.StatusBadRequest, scimNoTarget, msgNoTarget, "The filter selects no element of %s.", members.path)
		}
		if s.op != "add" {
			for _, id := range ids {
				if err := removeMember(c, id); err != nil {
					return true, err
				}
			}
		}
		if s.op == "remove" {
			return true, nil
		}
	}
	list, err := memberValues(members, s.value, s.op)
	if err != nil {
		return true, err
	}
	switch {
	case s.op == "add" || s.filter != nil:
		return true, addMembers(c, list)
	case s.op == "replace":
		return true, replaceMembers(c, list)
	case s.value == nil:
		return true, replaceMembers(c, nil)
	}
	for _, x := range list {
		id, err := c.Tx.reference(members, "User", asMap(x))
		if err != nil {
			return true, err
		}
		if err := removeMember(c, id); err != nil {
			return true, err
		}
	}
	return true, nil
}

// memberValues reads and checks the members that an operation lists.
func memberValues(members *attr, v any, op string) ([]any, error) {
	w, err := members.writable(v)
	if err != nil {
		return nil, err
	}
	list := elements(w)
	for _, x := range list {
		m := asMap(x)
		if m["value"] == nil && m["ocid"] == nil && m["$ref"] == nil {
			return nil, bad(msgMissingAttributes, "Missing required attribute(s): %s.value.", members.path)
		}
		if m["type"] == nil && op != "remove" {
			m["type"] = "User"
		}
		if err := members.checkOne(m); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// selectMembers answers the ids of the members that a filter selects.
func selectMembers(c *Change, s *step) ([]string, error) {
	eq := map[string]string{}
	if equalities(s.filter, eq) {
		if ids, ok := oneMember(c.Tx, c.ID, eq); ok {
			return ids, nil
		}
	}
	w := &wanted{ti: c.schema(), attrs: map[string]bool{s.attr.path: true}}
	for _, p := range filter.Attrs(s.filter) {
		w.attrs[s.attr.path+"."+p.Name] = true
	}
	doc := Document{}
	if err := c.Tx.derive(c.schema(), c.ID, doc, w); err != nil {
		return nil, err
	}
	var ids []string
	for _, x := range elements(doc["members"]) {
		if s.match.MatchElement(x) {
			id, _ := asMap(x)["value"].(string)
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// oneMember answers a selection by value and type, if that is all it is.
func oneMember(tx *Tx, group string, eq map[string]string) ([]string, bool) {
	id, ok := memberID(eq)
	if !ok {
		return nil, false
	}
	if id == "" {
		return nil, true
	}
	if _, err := tx.st.GetLink(memberKind, group, id); err != nil {
		return nil, errors.Is(err, store.ErrNotFound)
	}
	return []string{id}, true
}

// memberID is the user that conditions on value or ocid, and perhaps on type,
// name. It is empty where no user can meet them.
func memberID(eq map[string]string) (string, bool) {
	id, byValue := eq["value"]
	ocid, byOCID := eq["ocid"]
	typ, byType := eq["type"]
	n := 0
	for _, b := range []bool{byValue, byOCID, byType} {
		if b {
			n++
		}
	}
	if n != len(eq) || byValue == byOCID {
		return "", false
	}
	if byOCID {
		if id = idOf("User", ocid); id == ocid {
			return "", true
		}
	}
	if byType && typ != "User" {
		return "", true
	}
	return id, true
}

// deriveGroup adds what is known of a group elsewhere.
func deriveGroup(tx *Tx, id string, doc Document, w *wanted) error {
	if err := deriveMembers(tx, id, doc, w); err != nil {
		return err
	}
	return tx.deriveAccess(groupURN, id, doc, w)
}

// deriveMembers adds the members of a group, as far as they are asked for.
func deriveMembers(tx *Tx, id string, doc Document, w *wanted) error {
	// The limit is one of identity domains.
	return tx.deriveLinked(linked{kind: memberKind, noun: "group", unlimited: tx.call.Plain, show: tx.member}, id, doc, w)
}

func (tx *Tx) member(a *attr, link store.Link, w *wanted) (map[string]any, error) {
	m := map[string]any{
		"value": link.To, "type": "User", "ocid": ocidFor("User", link.To),
		"membershipOcid": membershipOCID(link.From, link.To),
	}
	if err := addDate(m, link); err != nil {
		return nil, err
	}
	if !w.needs(a, "display", "name") {
		return m, nil
	}
	user, err := tx.summary("User", link.To)
	if err != nil {
		return nil, err
	}
	setText(m, "display", tx.displayOf(user))
	setText(m, "name", user.name)
	return m, nil
}

func addDate(m map[string]any, link store.Link) error {
	var kept membership
	if err := json.Unmarshal(link.Value, &kept); err != nil {
		return errors.Join(store.ErrCorrupt, err)
	}
	setText(m, "dateAdded", kept.DateAdded)
	return nil
}

func setText(m map[string]any, name, s string) {
	if s != "" {
		m[name] = s
	}
}

// narrowMembers answers the groups that have a certain member.
func narrowMembers(tx *Tx, n narrow) ([]string, bool, error) {
	if n.attr.path != "members" {
		return nil, false, nil
	}
	id, ok := memberID(n.eq)
	if !ok || id == "" {
		return nil, ok, nil
	}
	var groups []string
	for link, err := range tx.st.Links(store.LinkQuery{Kind: memberKind, To: id}) {
		if err != nil {
			return nil, false, err
		}
		groups = append(groups, link.From)
	}
	return groups, true, nil
}

// deriveGroups adds the groups of a user.
func deriveGroups(tx *Tx, id string, doc Document, w *wanted) error {
	a := w.ti.core.get("groups")
	if !w.has(a) {
		return nil
	}
	var list []any
	for link, err := range tx.st.Links(store.LinkQuery{Kind: memberKind, To: id}) {
		if err != nil {
			return err
		}
		m := map[string]any{
			"value": link.From, "ocid": ocidFor("Group", link.From), "type": "direct",
			"membershipOcid": membershipOCID(link.From, link.To),
		}
		if err := addDate(m, link); err != nil {
			return err
		}
		if w.needs(a, "display", "nonUniqueDisplay", "externalId") {
			if err := tx.describeGroup(m, link.From); err != nil {
				return err
			}
		}
		list = append(list, m)
	}
	if len(list) > 0 {
		doc["groups"] = list
	}
	return nil
}

func (tx *Tx) describeGroup(m map[string]any, id string) error {
	rec, err := tx.st.Get("Group", id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	group, err := decode(rec.Data)
	if err != nil {
		return errors.Join(store.ErrCorrupt, err)
	}
	for name, from := range map[string]string{
		"display": "displayName", "nonUniqueDisplay": "nonUniqueDisplayName", "externalId": "externalId",
	} {
		s, _ := group[from].(string)
		setText(m, name, s)
	}
	return nil
}

// narrowGroups answers the users that are in a certain group.
func narrowGroups(tx *Tx, n narrow) ([]string, bool, error) {
	if n.attr.path != "groups" {
		return nil, false, nil
	}
	group, ok := n.eq["value"]
	if ocid, byOCID := n.eq["ocid"]; byOCID && !ok {
		group, ok = idOf("Group", ocid), true
	}
	rest := len(n.eq) - 1
	if typ, byType := n.eq["type"]; byType {
		if fold(typ) != "direct" {
			return nil, ok && rest == 1, nil
		}
		rest--
	}
	if !ok || rest != 0 {
		return nil, false, nil
	}
	q := store.LinkQuery{Kind: memberKind, From: group}
	count, err := tx.st.CountLinks(q)
	if err != nil || count > maxNarrow {
		return nil, false, err
	}
	ids, err := memberIDs(tx, group)
	return ids, true, err
}
