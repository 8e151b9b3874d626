package sqlite

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
)

// maxStatements is how many prepared statements a connection keeps. The texts
// come from a small set, conditions of a query being the only variable part.
const maxStatements = 200

// conn is one connection with its prepared statements. One goroutine uses it
// at a time.
//
// Statements run without the caller's context: the driver starts a goroutine
// per statement to watch a context that can end, which costs more than most of
// our statements. A transaction looks at its context between statements.
type conn struct {
	c     *sql.Conn
	stmts map[string]*sql.Stmt
}

func newConn(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: map[string]*sql.Stmt{}}, nil
}

func (c *conn) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		for text, s := range c.stmts { // any one will do
			delete(c.stmts, text)
			if err := s.Close(); err != nil {
				return nil, err
			}
			break
		}
	}
	s, err := c.c.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	c.stmts[query] = s
	return s, nil
}

// exec runs a statement and answers how many rows it changed.
func (c *conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	s, err := c.stmt(ctx, query) //nolint:sqlclosecheck // kept for the next time, see stmt
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// row reads one row; sql.ErrNoRows when there is none.
func (c *conn) row(ctx context.Context, query string, args []any, into ...any) error {
	s, err := c.stmt(ctx, query) //nolint:sqlclosecheck // kept for the next time, see stmt
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, args...).Scan(into...)
}

// each reads all rows before it returns, so that nothing stays open.
func (c *conn) each(ctx context.Context, query string, args []any, f func(scan func(...any) error) error) (err error) {
	s, err := c.stmt(ctx, query) //nolint:sqlclosecheck // kept for the next time, see stmt
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// close gives the connection back to its handle.
func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}

// drop closes the connection for good, whatever state it is in; the handle
// opens another one when asked. What SQLite had begun is rolled back.
func (c *conn) drop() {
	for _, s := range c.stmts {
		_ = s.Close() // the connection is given up anyway
	}
	_ = c.c.Raw(func(any) error { return sqldriver.ErrBadConn })
	_ = c.c.Close()
}
