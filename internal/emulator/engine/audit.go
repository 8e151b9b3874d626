package engine

import (
	"encoding/json"
	"fmt"
	"strings"
)

// auditType is the resource type of audit events.
const auditType = "AuditEvent"

// eventArea begins the ids of a type's events. Those of users, groups, apps
// and bypass codes are documented; the others follow their form, a guess.
func eventArea(typ string) string {
	if typ == "BypassCode" {
		return "sso.bypasscode"
	}
	return "admin." + strings.ToLower(typ)
}

// audit records that a resource was created, updated or deleted, in the same
// transaction. What was added and removed is written as the service does: a
// JSON text in which booleans and numbers are strings and secrets are masked.
func (tx *Tx) audit(c *Change, verb string, old, now Document) error {
	if c.Type == auditType {
		return nil
	}
	named := now
	if named == nil {
		named = old
	}
	added, removed := now, old
	if old != nil && now != nil {
		added, removed = changedMembers(now, old), changedMembers(old, now)
	}
	more, _ := scratch.Get().(*[]byte)
	less, _ := scratch.Get().(*[]byte)
	defer scratch.Put(more)
	defer scratch.Put(less)
	*more, *less = (*more)[:0], (*less)[:0]
	made := false
	if verb == "create" && c.ti.hooks.ShowsStored && !c.Changed {
		*more, made = c.ti.appendMaskedText(*more, c.stored.Data)
	}
	if len(added) > 0 && !made {
		*more = c.ti.appendMasked((*more)[:0], added)
	}
	if len(removed) > 0 {
		*less = c.ti.appendMasked(*less, removed)
	}
	return tx.changeEvent(c, verb, summaryOf(named).name, *more, *less)
}

// auditLink records that a member was added to or removed from a resource.
func (tx *Tx) auditLink(c *Change, verb, refType, refID string, ref summary) error {
	ev := Document{
		"eventId":              eventArea(c.Type) + "." + verb + ".member.success",
		"adminResourceType":    c.Type,
		"adminResourceId":      c.ID,
		"adminRefResourceType": refType,
		"adminRefResourceId":   refID,
	}
	doc := c.New
	if doc == nil {
		doc = c.Old
	}
	if s := summaryOf(doc); s.name != "" {
		ev["adminResourceName"] = s.name
	}
	if ref.name != "" {
		ev["adminRefResourceName"] = ref.name
	}
	return tx.Event(ev)
}

// Event stores an audit event with time, actor and request of the transaction
// added. Members that are set already stay.
func (tx *Tx) Event(ev Document) error {
	ti, err := tx.info(auditType)
	if err != nil {
		return err
	}
	a := tx.call.Actor
	set := func(name, v string) {
		if _, ok := ev[name]; !ok && v != "" {
			ev[name] = v
		}
	}
	id := tx.e.opts.NewID()
	set("timestamp", formatTime(tx.now))
	set("serviceName", serviceName)
	set("actorId", a.ID)
	set("actorName", a.Name)
	set("actorDisplayName", a.Display)
	set("actorType", a.Type)
	set("clientIp", tx.call.ClientIP)
	set("ecId", tx.call.RequestID)
	set("rId", "0")
	for _, name := range []string{"quotaCount", "ssoAuthnLevel"} { // 0 in every recorded event
		setIfAbsent(ev, name, json.Number("0"))
	}
	ev["id"] = id
	ev["ocid"] = ocidFor(auditType, id)
	ti.completeSchemas(ev)
	actor := tx.actor()
	tx.stamp(ti, ev, actor, clone(actor))
	version := tx.e.opts.NewID()
	setMeta(ev, ti, tx.now, tx.now, version)
	for name := range ev {
		if ti.core.get(name) == nil {
			return fmt.Errorf("audit event: attribute %s is not declared", name)
		}
	}
	rec, err := ti.record(id, ev, version, tx.now, tx.now)
	if err != nil {
		return err
	}
	return tx.st.Insert(rec)
}

// changedMembers are the members of a that b does not have or has with another
// value; those of extensions one by one.
func changedMembers(a, b Document) Document {
	out := Document{}
	for k, v := range a {
		w, ok := b[k]
		switch {
		case k == "meta" || k == "idcsLastModifiedBy":
		case !ok || !equal(v, w):
			x, isMap := v.(map[string]any)
			y, isMap2 := w.(map[string]any)
			if isMap && isMap2 && strings.Contains(k, ":") {
				v = changedMembers(x, y)
			}
			out[k] = v
		}
	}
	return out
}

// masked copies a document for an audit event.
func (ti *typeInfo) masked(doc Document) Document {
	out := Document{}
	_ = ti.each(doc, func(a *attr, v any) error {
		setValue(out, a, a.masked(v))
		return nil
	})
	return out
}

func (a *attr) masked(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = a.masked(x)
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			sub := a.sub(k)
			if sub == nil { // an object without declared sub-attributes
				sub = &attr{Attribute: a.Attribute}
			}
			m[k] = sub.masked(x)
		}
		return m
	}
	if a.secret() {
		return maskedValue
	}
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}
