package pages

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/idctl/idctl/internal/emulator/store"
)

const (
	formCookie    = "idctl_form"
	sessionCookie = "idctl_session"
	outboxCookie  = "idctl_outbox"

	// formKeyValue is the store's value with the key that signs the tokens of
	// forms, so that a form of one process can be sent to another one.
	formKeyValue = "pages.formKey"

	policy = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// secure sets the headers of every answer. The referrer policy is same-origin
// and not no-referrer, because under the latter a browser sends "Origin: null"
// with every form, and the origin could not be checked; either way no address
// leaves this server, and there is no foreign link on these pages.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// setCookie gives the browser a value that no script and no other site gets.
// It lasts until the browser ends; the store says when it is void.
func (r *request) setCookie(name, value string) {
	c := &http.Cookie{ //nolint:gosec // Secure follows the scheme: a browser drops a secure cookie of plain HTTP
		Name: name, Value: value, Path: Base, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: strings.HasPrefix(r.p.cfg.BaseURL(r.Request), "https://"),
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(r.w, c)
}

func (r *request) cookie(name string) string {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > 128 {
		return ""
	}
	return c.Value
}

// formKey answers the key that signs forms, and makes it when there is none.
func (p *Pages) formKey(ctx context.Context) ([]byte, error) {
	var key []byte
	read := func(tx store.Tx) error {
		var err error
		key, err = tx.Value(formKeyValue)
		return err
	}
	err := p.cfg.Store.View(ctx, read)
	if !errors.Is(err, store.ErrNotFound) {
		return key, err
	}
	err = p.cfg.Store.Update(ctx, func(tx store.Tx) error {
		if err := read(tx); !errors.Is(err, store.ErrNotFound) {
			return err // another request was first
		}
		key = []byte(randomHex(32))
		return tx.SetValue(formKeyValue, key)
	})
	return key, err
}

// formToken is what a form must bring along: a signature of the browser's
// cookie, which another site can neither read nor make.
func formToken(key []byte, cookie string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("form\x00" + cookie)) // a hash takes everything
	return hex.EncodeToString(mac.Sum(nil))
}

// giveFormToken prepares the token of the forms of this page.
func (r *request) giveFormToken() error {
	key, err := r.p.formKey(r.Context())
	if err != nil {
		return err
	}
	cookie := r.cookie(formCookie)
	if len(cookie) != 64 {
		cookie = randomHex(32)
		r.setCookie(formCookie, cookie)
	}
	r.form = formToken(key, cookie)
	return nil
}

// formFits says whether the form that was sent is one of ours.
func (r *request) formFits() (bool, error) {
	cookie := r.cookie(formCookie)
	if cookie == "" {
		return false, nil
	}
	key, err := r.p.formKey(r.Context())
	if err != nil {
		return false, err
	}
	return hmac.Equal([]byte(formToken(key, cookie)), []byte(r.PostForm.Get("form"))), nil
}
