package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

// Errors of factors, to be tested with errors.Is.
var (
	// ErrLastFactor: the service keeps the last second factor of a user.
	ErrLastFactor = errors.New("it is the last second factor of the user, which the service keeps")
	// ErrTerms: the service does not give a bypass code the terms that were
	// asked for; see TermsError.
	ErrTerms = errors.New("the service does not honour the terms of a bypass code")
)

// TermsError says which terms a bypass code got in place of those that were
// asked for. Nothing is left of the code, unless Kept is set.
type TermsError struct {
	Asked, Got CodeTerms
	// Kept is the id of the code where it could not be deleted, and Err why.
	Kept string
	Err  error
}

// Error tells the terms; it never holds the code.
func (e *TermsError) Error() string {
	var terms []string
	if e.Asked.Uses > 0 && e.Asked.Uses != e.Got.Uses {
		terms = append(terms, fmt.Sprintf("%s in place of %d", count(e.Got.Uses), e.Asked.Uses))
	}
	if !e.Asked.Expires.IsZero() && !sameEnd(e.Asked.Expires, e.Got.Expires) {
		got := "no end"
		if !e.Got.Expires.IsZero() {
			got = "an end at " + e.Got.Expires.UTC().Format(time.RFC3339)
		}
		terms = append(terms, got+" in place of "+e.Asked.Expires.UTC().Format(time.RFC3339))
	}
	s := "the service set other terms than those asked for: " + strings.Join(terms, ", ")
	if e.Kept != "" {
		return fmt.Sprintf("%s; the code %s could not be deleted: %v", s, e.Kept, e.Err)
	}
	return s + "; the code was deleted"
}

func count(uses int) string {
	switch uses {
	case 0:
		return "an unknown number of uses"
	case 1:
		return "1 use"
	}
	return fmt.Sprintf("%d uses", uses)
}

// Unwrap answers why the code could not be deleted.
func (e *TermsError) Unwrap() error { return e.Err }

// Is matches ErrTerms.
func (e *TermsError) Is(target error) bool { return target == ErrTerms }

// Sent is false where nothing is left of what was sent.
func (e *TermsError) Sent() bool { return e.Kept != "" }

// endTolerance is by how much the end of a code may differ from the one that
// was asked for: services cut off seconds.
const endTolerance = time.Minute

func sameEnd(a, b time.Time) bool { return !b.IsZero() && a.Sub(b).Abs() <= endTolerance }

// Met says whether a code has the terms.
func (t CodeTerms) Met(c Code) bool {
	return (t.Uses == 0 || t.Uses == c.Uses) && (t.Expires.IsZero() || sameEnd(t.Expires, c.Expires))
}

// Belonging is a kind of resource that belongs to one user each.
type Belonging string

// The kinds of belongings.
const (
	Devices                 Belonging = "Device"
	TrustedAgents           Belonging = "TrustedUserAgent"
	BypassCodes             Belonging = "BypassCode"
	APIKeys                 Belonging = "ApiKey"
	AuthTokens              Belonging = "AuthToken"
	CustomerSecretKeys      Belonging = "CustomerSecretKey"
	SMTPCredentials         Belonging = "SmtpCredential"         //nolint:gosec // the name of a type
	OAuth2ClientCredentials Belonging = "OAuth2ClientCredential" //nolint:gosec // the name of a type
	DBCredentials           Belonging = "UserDbCredential"       //nolint:gosec // the name of a type
)

// Owned are the resources of one kind of belonging.
type Owned interface {
	Resources
	// Of selects those of some users, by their ids; without any, it is nil.
	Of(users ...string) filter.Expr
	// Owner is the id of the user that a resource belongs to, OwnerName what
	// the service calls them, if it does.
	Owner(doc scim.Document) string
	OwnerName(doc scim.Document) string
}

// Factor is one registered second factor of a user. Methods that are switched
// off in the settings are registered all the same.
type Factor struct {
	// ID names the device that it belongs to; a device may have several
	// factors. Factors without a device have none.
	ID     string
	UserID string
	// Method is the service's word, TOTP; Detail says which one, an address or
	// a name of a device.
	Method, Detail string
	// State is the service's word, ENROLLED.
	State   string
	Created time.Time
	// Enabled says whether the settings allow the method; nil where they
	// cannot be read or do not say.
	Enabled *bool
	// Preferred says that the user is asked for it first.
	Preferred bool
}

// FactorReset is what ResetFactors takes away.
type FactorReset string

// What there is to reset.
const (
	ResetMFA      FactorReset = "MFA"
	ResetRecovery FactorReset = "ACCOUNTRECOVERY"
	ResetKeepIn   FactorReset = "KMSI"
	ResetAll      FactorReset = "ALL"
)

// CodeTerms are what a bypass code is to be good for. A zero value leaves it
// to the settings of the service.
type CodeTerms struct {
	Expires time.Time
	Uses    int
}

// Code is a bypass code that was made.
type Code struct {
	ID      string
	Code    transport.Secret
	Expires time.Time // zero where the service does not say
	Uses    int       // 0 where the service does not say
}

// SocialAccount is an account elsewhere by which a user can sign in.
type SocialAccount struct {
	ID     string
	UserID string
	Name   string
	link   string
}

// NewSocialAccount makes a SocialAccount; link is where the service keeps it,
// if it says so.
func NewSocialAccount(id, user, name, link string) SocialAccount {
	return SocialAccount{ID: id, UserID: user, Name: name, link: link}
}

// Link is where the service keeps it, empty where it does not say.
func (s SocialAccount) Link() string { return s.link }

// Question is a security question that a user answered. Answers are never
// told.
type Question struct {
	ID     string
	UserID string
	Text   string // in English where there is such a text
	Hint   string
}

// NewCredential is a credential to be made. Members that its kind does not
// have are ignored.
type NewCredential struct {
	What              Belonging
	Name, Description string
	Expires           time.Time
	// Key is the public key of an API key, in PEM.
	Key string
	// Password is that of a database user.
	Password transport.Secret
	// Audience and Scopes are what a client credential is for.
	Audience string
	Scopes   []string
}

// Credential is a credential that was made.
type Credential struct {
	ID string
	// Secret is what the service made up, Key the public part of it, where
	// there is one: an access key, a user name, a fingerprint.
	Secret  transport.Secret
	Key     string
	Expires time.Time
}

// Factors is what a service does with the second factors and credentials of
// users. A method that the service does not have answers *UnsupportedError and
// sends nothing. Users are named by their ids.
type Factors interface {
	// Owned are the resources of a kind.
	Owned(what Belonging) (Owned, error)
	// Factors yields the registered factors of some users.
	Factors(ctx context.Context, users []string) iter.Seq2[Factor, error]
	// RemoveFactor takes one away; ErrLastFactor when it is the last one and
	// the service keeps that.
	RemoveFactor(ctx context.Context, f Factor) error
	// ResetFactors takes all factors of a kind away. The user registers anew.
	ResetFactors(ctx context.Context, user string, what FactorReset, o ActOptions) error
	// MakeCode makes a bypass code. It reads the code back: when it does not
	// have the terms that were asked for it deletes it, and answers ErrTerms.
	MakeCode(ctx context.Context, user string, terms CodeTerms, o ActOptions) (Code, error)
	// MailCode mails a code to its user.
	MailCode(ctx context.Context, user, code string, o ActOptions) error
	// SocialAccounts yields the accounts elsewhere of some users;
	// RemoveSocialAccount takes one away.
	SocialAccounts(ctx context.Context, users []string) iter.Seq2[SocialAccount, error]
	RemoveSocialAccount(ctx context.Context, a SocialAccount) error
	// Questions yields the security questions that some users answered;
	// RemoveQuestions makes a user forget all of them.
	Questions(ctx context.Context, users []string) iter.Seq2[Question, error]
	RemoveQuestions(ctx context.Context, user string) error
	// MakeCredential makes a credential. What is secret of it is told once.
	MakeCredential(ctx context.Context, user string, c NewCredential, o ActOptions) (Credential, error)
	// SetCapabilities says which credentials a user may have.
	SetCapabilities(ctx context.Context, user string, can map[string]bool, o ActOptions) error
}

// FactorsProvider is what a Provider implements that has Factors.
type FactorsProvider interface {
	Factors() Factors
}

// FactorsOf are the factors of a provider. One without any answers
// *UnsupportedError.
func FactorsOf(p Provider) (Factors, error) {
	if f, ok := p.(FactorsProvider); ok {
		return f.Factors(), nil
	}
	return nil, &UnsupportedError{
		Provider: p.Name(), What: "tell or change second factors and credentials of users",
		Instead: "idctl resources types lists what it has",
	}
}

// DeleteOwned deletes what belongs to a user. One that is away is done.
func DeleteOwned(ctx context.Context, r Owned, id string) error {
	err := r.Delete(ctx, id, scim.WriteOptions{})
	if errors.Is(err, scim.ErrNotFound) {
		return nil
	}
	return err
}
