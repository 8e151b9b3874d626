package exporter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/idctl/idctl/internal/provider"
	"github.com/idctl/idctl/internal/transfer/csvio"
	"github.com/idctl/idctl/internal/transfer/mapping"
	"github.com/idctl/idctl/pkg/scim"
)

// csvSink writes rows: out of the members that were picked where they say it
// all, else out of whole documents.
type csvSink struct {
	w         *csvio.Writer
	rows      *mapping.Exporter
	raw       *mapping.RawExporter // nil where rows need documents
	names     *names
	resources provider.Resources
	members   bool // groups are written with their members
	managers  bool // users are written with their managers
	docs      []scim.Document
}

func (s *csvSink) write(ctx context.Context, rows []scim.RawDocument) error {
	s.docs = s.docs[:0]
	for i := range rows {
		// nil where the row can be written without.
		var doc scim.Document
		if s.raw == nil || !rows[i].Picked() {
			var err error
			if doc, err = rows[i].Decode(); err != nil {
				return err
			}
		}
		s.docs = append(s.docs, doc)
	}
	if err := s.prepare(ctx, rows); err != nil {
		return err
	}
	for i, row := range rows {
		if err := s.row(row, s.docs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *csvSink) row(raw scim.RawDocument, doc scim.Document) error {
	var err error
	if doc == nil {
		if text, ends, ok := s.raw.Row(raw); ok {
			err = s.w.WriteText(text, ends)
		} else if doc, err = raw.Decode(); err != nil {
			return err
		}
	}
	if doc != nil {
		err = s.w.Write(s.rows.Row(doc))
	}
	var bad *csvio.EncodeError
	if errors.As(err, &bad) {
		if doc, derr := raw.Decode(); derr == nil {
			return fmt.Errorf("%s: %w; --encoding utf-8 can hold it", doc.ID(), err)
		}
	}
	return err
}

// prepare finds out what the list did not bring: members of groups, and the
// names of the users that rows refer to.
func (s *csvSink) prepare(ctx context.Context, rows []scim.RawDocument) error {
	var ids []string
	for i, doc := range s.docs {
		switch {
		case doc == nil:
			if s.managers {
				s.raw.Users(rows[i], func(id string) { ids = append(ids, id) })
			}
			continue
		case s.members:
			var list []any
			for m, err := range provider.Members(ctx, s.resources, doc.ID()) {
				if err != nil {
					return fmt.Errorf("members of group %q: %w", doc.String("displayName"), err)
				}
				list = append(list, map[string]any(m))
			}
			doc["members"] = list
		}
		if s.managers {
			ids = append(ids, doc.String(mapping.EnterpriseURN+":manager.value"))
		}
		for _, m := range provider.MembersOf(doc) {
			if m.String("name") == "" { // the service did not say
				ids = append(ids, m.String("value"))
			}
		}
	}
	return s.names.learn(ctx, ids)
}

func (s *csvSink) close() error { return s.w.Flush() }

// jsonSink writes documents as they came, each on one line.
type jsonSink struct {
	w                         io.Writer
	open, between, end, empty string
	line                      bytes.Buffer
	n                         int
}

func (s *jsonSink) write(_ context.Context, rows []scim.RawDocument) error {
	for _, row := range rows {
		text, err := row.JSON()
		if err != nil {
			return err
		}
		// JSON has line ends between its parts only.
		if bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 {
			s.line.Reset()
			if err := json.Compact(&s.line, text); err != nil {
				return err
			}
			text = s.line.Bytes()
		}
		before := s.between
		if s.n == 0 {
			before = s.open
		}
		s.n++
		if _, err := io.WriteString(s.w, before); err != nil {
			return err
		}
		if _, err := s.w.Write(text); err != nil {
			return err
		}
	}
	return nil
}

func (s *jsonSink) close() error {
	end := s.end
	if s.n == 0 {
		end = s.empty
	}
	_, err := io.WriteString(s.w, end)
	return err
}
