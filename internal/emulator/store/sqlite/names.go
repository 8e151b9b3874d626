package sqlite

import (
	"database/sql"
	"errors"
	"maps"
	"sync"
)

// Spaces of names; a path's space is the number of its type.
const (
	spaceType = 0
	spaceKind = -1
)

type name struct {
	space int64
	text  string
}

// names remembers the numbers of committed names; they never change.
type names struct {
	mu    sync.RWMutex
	known map[name]int64
}

func (n *names) get(key name) (int64, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.known[key]
	return id, ok
}

func (n *names) learn(m map[name]int64) {
	if len(m) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[name]int64{}
	}
	maps.Copy(n.known, m)
}

// lookup answers the number of a name, or false when nobody has used it yet.
func (t *tx) lookup(space int64, text string) (int64, bool, error) {
	key := name{space, text}
	if id, ok := t.fresh[key]; ok {
		return id, true, nil
	}
	if id, ok := t.db.names.get(key); ok {
		return id, true, nil
	}
	var id int64
	err := t.row("SELECT id FROM names WHERE space = ? AND name = ?", []any{space, text}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if !t.writable { // in an Update it might be one of our own that gets rolled back
		t.db.names.learn(map[name]int64{key: id})
	} else {
		t.remember(key, id)
	}
	return id, true, nil
}

// number answers the number of a name and gives it one if it has none.
func (t *tx) number(space int64, text string) (int64, error) {
	id, ok, err := t.lookup(space, text)
	if err != nil || ok {
		return id, err
	}
	if err := t.row("INSERT INTO names (space, name) VALUES (?, ?) RETURNING id", []any{space, text}, &id); err != nil {
		return 0, err
	}
	t.remember(name{space, text}, id)
	return id, nil
}

// remember keeps a number until the transaction commits.
func (t *tx) remember(key name, id int64) {
	if t.fresh == nil {
		t.fresh = map[name]int64{}
	}
	t.fresh[key] = id
}
