package idcs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/idctl/idctl/pkg/idcs"
	"github.com/idctl/idctl/pkg/idtest"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

func Example() {
	ctx := context.Background()
	srv, err := idtest.Start(ctx) // a real domain has a URL and a token source of its own
	if err != nil {
		log.Print(err)
		return
	}
	defer func() {
		if err := srv.Close(); err != nil {
			log.Print(err)
		}
	}()
	client, err := idcs.NewClient(idcs.Options{
		BaseURL: srv.URL, Tokens: tokens{srv}, DomainType: idcs.Premium, Clock: transport.NewClock(time.Now),
	})
	if err != nil {
		log.Print(err)
		return
	}

	_, err = client.Users.Create(ctx, idcs.User{
		UserName: "ada@example.com",
		Name:     &idcs.UserName{GivenName: "Ada", FamilyName: "Lovelace"},
		Emails:   []idcs.UserEmail{{Value: "ada@example.com", Type: "work", Primary: new(true)}},
	}, scim.WriteOptions{})
	if err != nil {
		log.Print(err)
		return
	}

	// Every page, one user at a time.
	it := client.Users.All(ctx, scim.ListOptions{Filter: filter.Sw(filter.MustAttr("userName"), "ada")})
	for user, err := range it {
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Println(user.UserName, user.Name.FamilyName)
	}

	_, err = client.Users.Find(ctx, "bob@example.com")
	fmt.Println(errors.Is(err, scim.ErrNotFound))

	// A grant has no PUT: nothing is sent.
	_, err = client.Grants.Replace(ctx, "1", idcs.Grant{}, scim.WriteOptions{})
	fmt.Println(err)
	// Output:
	// ada@example.com Lovelace
	// true
	// resource type Grant has no replace: it has list, get, create, patch, delete, search
}
