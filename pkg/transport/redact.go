package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// Redact returns a body as a log may show it. JSON and forms are shown with
// every secret member masked; what is neither cannot be judged and is named by
// its size only.
func Redact(contentType string, body []byte) string {
	if len(body) == 0 {
		return ""
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media = ""
	}
	if media == "application/x-www-form-urlencoded" {
		return redactForm(body)
	}
	if media == "application/json" || strings.HasSuffix(media, "+json") || media == "" {
		if s, ok := redactJSON(body); ok {
			return s
		}
	}
	if media == "" {
		media = "unknown type"
	}
	return fmt.Sprintf("[%d bytes of %s]", len(body), media)
}

func redactForm(body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return fmt.Sprintf("[%d bytes of a malformed form]", len(body))
	}
	for key, values := range form {
		for i, v := range values {
			if isSecretName(key) {
				values[i] = redacted
			} else {
				values[i] = redactText(v)
			}
		}
	}
	return form.Encode()
}

func redactJSON(body []byte) (string, bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return "", false
	}
	if _, err := dec.Token(); err != io.EOF {
		return "", false // something follows the document, which nobody looked at
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(redactValue(v)); err != nil {
		return "", false
	}
	return strings.TrimSuffix(out.String(), "\n"), true
}

// redactValue changes v, which the caller has just decoded for it.
func redactValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		named := namesSecret(v)
		for key, member := range v {
			switch {
			case strings.HasPrefix(strings.ToLower(key), "urn:") && isContainer(member):
				// A schema extension named after passwords holds more than
				// secrets; its members are judged one by one.
				v[key] = redactValue(member)
			case isSecretName(key), named && isValueName(key):
				v[key] = mask(member)
			default:
				v[key] = redactValue(member)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = redactValue(v[i])
		}
		return v
	case string:
		return redactText(v)
	default:
		return v
	}
}

// mask keeps null, true and false: whether a password is set tells nothing.
func mask(v any) any {
	switch v.(type) {
	case nil, bool:
		return v
	}
	return redacted
}

func isContainer(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// namesSecret finds objects that name an attribute in one member and hold its
// value in another: {"op":"replace","path":"password","value":"..."}.
func namesSecret(m map[string]any) bool {
	for key, member := range m {
		s, ok := member.(string)
		if !ok {
			continue
		}
		switch fold(key) {
		case "path", "name", "key", "attribute", "attributename", "attributevaluename", "field", "type":
			// The last part of a path or URN: ...:User:password, a.b.
			last := s
			if i := strings.LastIndexAny(s, ":./"); i >= 0 {
				last = s[i+1:]
			}
			if isSecretName(last) || isSecretName(s) {
				return true
			}
		}
	}
	return false
}

func isValueName(key string) bool {
	switch fold(key) {
	case "value", "values", "val", "newvalue", "oldvalue", "attributevalue", "stringvalue", "data":
		return true
	}
	return false
}

// isSecretName judges a member or form field by its name. It errs on the side
// of masking: a log line too little is found in a minute, a leaked password is
// not taken back.
func isSecretName(name string) bool {
	n := fold(name)
	switch n {
	case "tokentype", "expiresin", "passwordpolicy", "lastsuccessfulsetdate", "granttype",
		"responsetype", "clientassertiontype", "subjecttokentype", "requestedtokentype":
		return false
	case "code", "pin", "otp", "answer", "cookie", "authorization", "credentials", "credential",
		"privatekey", "apikey", "accesskey", "key", "seed", "pwd", "signature", "requeststate", "nonce", "k", "d":
		return true
	}
	for _, part := range [...]string{
		"password", "passwd", "passcode", "passphrase", "secret", "token",
		"assertion", "privatekey", "apikey", "bypasscode", "credential",
	} {
		if strings.Contains(n, part) {
			return true
		}
	}
	switch {
	case strings.HasSuffix(n, "otp"), strings.HasSuffix(n, "pwd"), strings.HasSuffix(n, "answer"), strings.HasSuffix(n, "pin"):
		return true
	case strings.HasSuffix(n, "code"):
		switch n {
		case "postalcode", "zipcode", "countrycode", "areacode", "statuscode", "errorcode",
			"languagecode", "currencycode", "regioncode", "departmentcode", "costcode":
			return false
		}
		return true
	}
	return false
}

// fold compares names as lenient servers do: without regard to case, also for
// the two letters that Unicode folds into ASCII (the Kelvin sign and the long
// s), and without separators.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		r = unicode.ToLower(unicode.ToUpper(r))
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r < 0x80, unicode.IsSpace(r):
			return -1
		}
		return r
	}, s)
}

var (
	// jwtPattern finds three base64url parts of which the first begins with {".
	jwtPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*`)
	})
	bearerPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`)
	})
	// linkPattern finds query parameters of links: ...?token=abc&userId=1.
	linkPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)([?&;#][^=&#\s]*(?:token|code|otp|passw|secret|assertion|signature|ott)[^=&#\s]*=)[^&#\s"'<>]+`)
	})
)

// redactText masks what is a secret by its look, wherever it stands.
func redactText(s string) string {
	if len(s) < 8 {
		return s
	}
	if strings.Contains(s, "eyJ") {
		s = jwtPattern().ReplaceAllString(s, redacted)
	}
	if strings.ContainsRune(s, ' ') {
		s = bearerPattern().ReplaceAllString(s, "$1 "+redacted)
	}
	if strings.ContainsRune(s, '=') {
		s = linkPattern().ReplaceAllString(s, "${1}"+redacted)
	}
	return s
}
