package idcs

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretsDoNotShow(t *testing.T) {
	const word = "open-sesame"
	u := User{UserName: "ada", Password: word}
	a := App{ClientSecret: word}
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("x", "password", u.Password)
	for _, s := range []string{
		fmt.Sprint(u), fmt.Sprintf("%v %+v %#v %s %q %x", u, u, u, u.Password, u.Password, u.Password),
		fmt.Sprintf("%+v %#v", a, a), fmt.Sprint(&u), log.String(),
	} {
		if strings.Contains(s, word) || strings.Contains(s, fmt.Sprintf("%x", word)) {
			t.Errorf("the secret shows in %s", s)
		}
	}
	data, err := json.Marshal(u)
	if err != nil || !strings.Contains(string(data), `"password":"`+word+`"`) {
		t.Errorf("the service would get %s, %v", data, err)
	}
	var back User
	if err := json.Unmarshal(data, &back); err != nil || string(back.Password) != word {
		t.Errorf("read back %q, %v", string(back.Password), err)
	}
}
