package doctor

import (
	"context"
	"fmt"
	"strings"
)

func checkTerminal(_ context.Context, o *options, _ facts) result {
	s := o.IO
	get := func(name string) string { v, _ := o.Env(name); return v }
	var terminals []string
	for _, x := range []struct {
		name string
		is   bool
	}{{"stdin", s.InTerminal}, {"stdout", s.OutTerminal}, {"stderr", s.ErrTerminal}} {
		if x.is {
			terminals = append(terminals, x.name)
		}
	}
	text := "not a terminal"
	if len(terminals) > 0 {
		text = strings.Join(terminals, ", ")
	}
	if w := s.Width(); w > 0 {
		text += fmt.Sprintf(", %d columns", w)
	}
	colour := "off"
	if s.OutColour {
		colour = "on"
	}
	text += ", colour " + colour
	for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE", "CI"} {
		if get(name) != "" {
			text += ", " + name + " is set"
		}
	}
	if term := get("TERM"); term != "" {
		text += ", TERM " + term
	}
	if o.GOOS == "windows" {
		return ok("%s", text)
	}
	locale := get("LC_ALL")
	for _, name := range []string{"LC_CTYPE", "LANG"} {
		if locale == "" {
			locale = get(name)
		}
	}
	if locale == "" {
		return ok("%s, no locale set", text)
	}
	text += ", locale " + locale
	plain := strings.ToLower(strings.ReplaceAll(locale, "-", ""))
	if s.OutTerminal && !strings.Contains(plain, "utf8") {
		return warn("set LANG to a UTF-8 locale, such as C.UTF-8: what idctl prints is UTF-8", "%s", text)
	}
	return ok("%s", text)
}
