package scim_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/idctl/idctl/pkg/idtest"
	"github.com/idctl/idctl/pkg/scim"
	"github.com/idctl/idctl/pkg/scim/filter"
	"github.com/idctl/idctl/pkg/transport"
)

// member is a struct of the caller's: a service decodes into whatever its type
// says.
type member struct {
	ID       string `json:"id,omitempty"`
	UserName string `json:"userName"`
}

func Example() {
	ctx := context.Background()
	srv, err := idtest.Start(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	defer func() {
		if err := srv.Close(); err != nil {
			log.Print(err)
		}
	}()

	stack, err := transport.NewClient(transport.Options{
		BaseURL: srv.URL, Base: srv.Client().Transport, Clock: transport.NewClock(time.Now),
	})
	if err != nil {
		log.Print(err)
		return
	}

	client := scim.NewClient(scim.OverTransport(stack), scim.Options{BasePath: "/admin/v1"})
	docs := client.Documents(scim.Type[scim.Document]{
		Name: "User", Path: "/Users", Key: "userName", Ops: scim.AllOps,
		Schemas: []string{"urn:ietf:params:scim:schemas:core:2.0:User"},
	})
	ada, err := docs.Create(ctx, scim.Document{
		"userName": "ada@example.com",
		"name":     map[string]any{"familyName": "Lovelace"},
		"emails":   []any{map[string]any{"value": "ada@example.com", "type": "work", "primary": true}},
	}, scim.WriteOptions{})
	if err != nil {
		log.Print(err)
		return
	}

	work := filter.Eq(filter.MustAttr("type"), "work")
	ops, err := scim.NewPatch().Replace(scim.Path("emails.value", work), "ada@lovelace.example.com").Ops()
	if err != nil {
		log.Print(err)
		return
	}
	ada, err = docs.Patch(ctx, ada.ID(), ops, scim.WriteOptions{IfMatch: ada.Version()})
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(ada.String(`emails[type eq "work"].value`))

	members := scim.NewService(client, scim.Type[member]{Name: "User", Path: "/Users", Ops: scim.List})
	for m, err := range members.All(ctx, scim.ListOptions{Filter: filter.Sw(filter.MustAttr("userName"), "ada")}) {
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Println(m.UserName)
	}
	// Output:
	// ada@lovelace.example.com
	// ada@example.com
}
