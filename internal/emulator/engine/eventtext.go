package engine

import (
	"bytes"
	"fmt"

	"github.com/idctl/idctl/internal/emulator/store"
)

// Every change writes an audit event. Its text is made without a document: all
// of its members are known, and in their order.

// eventMember is a member of an event: a text, a text in bytes, or JSON. One
// that is empty is left out.
type eventMember struct {
	name         string
	text         string
	quoted, json []byte
	// optional says that the type need not declare it.
	optional bool
}

// changeEvent stores the event of a change. added and removed are JSON objects,
// or empty.
func (tx *Tx) changeEvent(c *Change, verb, name string, added, removed []byte) error {
	ti, err := tx.info(auditType)
	if err != nil {
		return err
	}
	a, o := tx.call.Actor, tx.e.opts
	id, now := o.NewID(), formatTime(tx.now)
	version := o.NewID()
	var actorText, metaText [512]byte
	var actor []byte
	if v := tx.actor(); v != nil {
		if actor, err = AppendJSON(actorText[:0], v); err != nil {
			return err
		}
	}
	meta := append(metaText[:0], `{"created":`...)
	meta = append(appendString(meta, now), `,"lastModified":`...)
	meta = append(appendString(meta, now), `,"resourceType":`...)
	meta = append(appendString(meta, auditType), `,"version":`...)
	meta = append(appendString(meta, version), '}')
	zero := []byte("0") // of every recorded event
	members := [...]eventMember{
		{name: "actorDisplayName", text: a.Display},
		{name: "actorId", text: a.ID},
		{name: "actorName", text: a.Name},
		{name: "actorType", text: a.Type},
		{name: "adminResourceId", text: c.ID},
		{name: "adminResourceName", text: name},
		{name: "adminResourceType", text: c.Type},
		{name: "adminValuesAdded", quoted: added},
		{name: "adminValuesRemoved", quoted: removed},
		{name: "clientIp", text: tx.call.ClientIP},
		{name: "compartmentOcid", text: o.CompartmentOCID, optional: true},
		{name: "domainOcid", text: o.DomainOCID, optional: true},
		{name: "ecId", text: tx.call.RequestID},
		{name: "eventId", text: eventArea(c.Type) + "." + verb + ".success"},
		{name: "id", text: id, optional: true},
		{name: "idcsCreatedBy", json: actor, optional: true},
		{name: "idcsLastModifiedBy", json: actor, optional: true},
		{name: "idcsLastUpgradedInRelease", text: upgradedInRelease, optional: true},
		{name: "meta", json: meta, optional: true},
		{name: "ocid", text: ocidFor(auditType, id), optional: true},
		{name: "quotaCount", json: zero},
		{name: "rId", text: "0"},
		{name: "schemas", json: append(appendString([]byte{'['}, ti.rt.Core.ID), ']')},
		{name: "serviceName", text: serviceName},
		{name: "ssoAuthnLevel", json: zero},
		{name: "tenancyOcid", text: o.TenancyOCID, optional: true},
		{name: "timestamp", text: now},
	}
	rec := store.Record{Type: auditType, ID: id, Version: version, Created: tx.now, Modified: tx.now, Given: true}
	if rec.Data, err = ti.eventText(members[:]); err != nil {
		return err
	}
	rec.Index = ti.eventEntries(members[:])
	return tx.st.Insert(rec)
}

func (ti *typeInfo) eventText(members []eventMember) ([]byte, error) {
	buf, _ := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	b := append((*buf)[:0], '{')
	for i := range members {
		m := &members[i]
		if m.text == "" && m.json == nil && len(m.quoted) == 0 {
			continue
		}
		if ti.core.get(m.name) == nil {
			if m.optional {
				continue
			}
			return nil, fmt.Errorf("audit event: attribute %s is not declared", m.name)
		}
		b = append(appendString(b, m.name), ':')
		switch {
		case m.json != nil:
			b = append(b, m.json...)
		case m.quoted != nil:
			b = append(appendEscaped(append(b, '"'), m.quoted), '"')
		default:
			b = appendString(b, m.text)
		}
		b = append(b, ',')
	}
	b[len(b)-1] = '}'
	*buf = b
	return bytes.Clone(b), nil
}

// eventEntries are those of entries. What is indexed of an event are single
// texts, and nothing of it is unique; a test compares both.
func (ti *typeInfo) eventEntries(members []eventMember) []store.Entry {
	list := make([]store.Entry, 0, len(ti.index))
	for _, ip := range ti.index {
		for i := range members {
			if members[i].name != ip.attr.Name || ip.attr.parent != nil {
				continue
			}
			if s, ok := ip.attr.indexValue(members[i].text); ok {
				list = append(list, store.Entry{Path: ip.path, Value: s})
			}
		}
	}
	return list
}
