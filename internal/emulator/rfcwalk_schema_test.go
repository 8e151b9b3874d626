package emulator

import (
	"net/http"
	"strings"
)

func walkSchema() []paragraph {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	return []paragraph{
		{at: "7643-2.1", says: "names have no regard to case, and are answered as declared", test: func(w *walk) {
			a := w.want(w.call(http.MethodPost, "/Users", `{"SCHEMAS":["`+urnUser+`"],"USERNAME":"ada","Name":{"GIVENNAME":"Ada"}}`), 201)
			w.same([]any{a.doc["userName"], a.doc["name"]}, `["ada",{"givenName":"Ada"}]`)
			w.fails(w.call(http.MethodPost, "/Users", userBody("bob", `"UserName":"bob"`)), 400, "invalidSyntax")
		}},
		{at: "7643-2.2", says: "what a schema leaves open has the default characteristics", test: func(w *walk) {
			a := at(w.get("/Schemas/"+urnUser).doc, "attributes", 2) // displayName
			w.same([]any{at(a, "name"), at(a, "required"), at(a, "caseExact"), at(a, "mutability"), at(a, "returned"), at(a, "uniqueness"), at(a, "type")},
				`["displayName",false,false,"readWrite","default","none","string"]`)
		}},
		{at: "7643-2.3", says: "values have their type: text, boolean, time, binary, complex", test: func(w *walk) {
			for _, bad := range []string{
				`"title":1`, `"active":"yes"`, `"name":"Ada"`, `"emails":[{"value":true}]`, `"x509Certificates":[{"value":"*"}]`, `"title":["a"]`,
			} {
				w.fails(w.call(http.MethodPost, "/Users", userBody("x", bad)), 400, "invalidValue")
			}
			a := w.get(w.user("ada", `"x509Certificates":[{"value":"AAEC"}]`))
			created, _ := at(a.doc, "meta", "created").(string)
			if !strings.HasSuffix(created, "Z") || at(a.doc, "x509Certificates", 0, "value") != "AAEC" {
				w.t.Errorf("%s", a.raw)
			}
		}},
		{at: "7643-2.3", says: "references are whole: one to nothing is refused, $ref is set", test: func(w *walk) {
			w.fails(w.call(http.MethodPost, "/Groups", groupBody("G", `"members":[{"value":"none"}]`)), 400, "invalidValue")
			path := w.user("ada", "")
			a := w.get(w.group("G", `"members":[{"$ref":"`+w.http.URL+scimBase+path+`"}]`))
			w.same(a.doc["members"], `[{"value":"`+idIn(path)+`","$ref":"`+w.http.URL+scimBase+path+`","type":"User"}]`)
			w.get(strings.TrimPrefix(at(a.doc, "members", 0, "$ref").(string), w.http.URL+scimBase))
		}},
		{at: "7643-2.4", says: "primary is true once at most", test: func(w *walk) {
			w.fails(w.call(http.MethodPost, "/Users", userBody("x", `"emails":[{"value":"a@example.com","primary":true},{"value":"b@example.com","primary":true}]`)), 400, "invalidValue")
		}},
		{at: "7643-2.4", says: "the same type and value are there once", test: func(w *walk) {
			w.fails(w.call(http.MethodPost, "/Users", userBody("x", `"emails":[{"value":"a@example.com","type":"work"},{"value":"A@example.com","type":"work"}]`)), 400, "invalidValue")
			path := w.user("ada", `"emails":[{"value":"a@example.com","type":"work"}]`)
			a := w.patched(path, `{"op":"add","path":"emails","value":[{"value":"a@example.com","type":"work"}]}`)
			w.same(a.doc["emails"], `[{"value":"a@example.com","type":"work"}]`)
		}},
		{
			at: "7643-2.4", says: "canonical values are suggestions", notMet: "the tenant takes its own values only, which `/Schemas` lists; others are 400 invalidValue, as section 7 allows",
			test: func(w *walk) {
				w.fails(w.call(http.MethodPost, "/Users", userBody("x", `"emails":[{"value":"a@example.com","type":"boat"}]`)), 400, "invalidValue")
				w.fails(w.call(http.MethodPost, "/Users", userBody("x", `"userType":"Pirate"`)), 400, "invalidValue")
			},
		},
		{at: "7643-2.5", says: "null and an empty list are no value", test: func(w *walk) {
			path := w.user("ada", `"title":null,"emails":[],"nickName":"A"`)
			a := w.get(path)
			for _, name := range []string{"title", "emails"} {
				if _, there := a.doc[name]; there {
					w.t.Errorf("%s in %s", name, a.raw)
				}
			}
			w.same(w.patched(path, `{"op":"replace","path":"nickName","value":null}`).doc["nickName"], `null`)
		}},
		{at: "7643-3", says: "schemas names what is in the resource, and no more", test: func(w *walk) {
			path := w.user("ada", `"`+enterprise+`":{"department":"D"}`)
			w.same(w.get(path).doc["schemas"], `["`+urnUser+`","`+enterprise+`"]`)
			a := w.patched(path, `{"op":"remove","path":"`+enterprise+`"}`)
			w.same([]any{a.doc["schemas"], a.doc[enterprise]}, `[["`+urnUser+`"],null]`)
			w.fails(w.call(http.MethodPost, "/Users", `{"schemas":["`+urnUser+`","urn:example:x"],"userName":"x"}`), 400, "invalidSyntax")
		}},
		{at: "7643-3.1", says: "id, externalId and meta are common to all resources", test: func(w *walk) {
			for _, path := range []string{w.user("ada", `"externalId":"X"`), w.group("G", `"externalId":"X"`)} {
				a := w.get(path)
				if w.id(a) == "" || a.doc["externalId"] != "X" {
					w.t.Errorf("%s", a.raw)
				}
				for _, name := range []string{"resourceType", "created", "lastModified", "location", "version"} {
					if s, _ := at(a.doc, "meta", name).(string); s == "" {
						w.t.Errorf("no meta.%s in %s", name, a.raw)
					}
				}
			}
		}},
		{at: "7643-3.3", says: "an extension sits under its URN", test: func(w *walk) {
			a := w.get(w.user("ada", `"`+enterprise+`":{"employeeNumber":"7"}`))
			w.same(a.doc[enterprise], `{"employeeNumber":"7"}`)
			w.fails(w.call(http.MethodPost, "/Users", userBody("x", `"`+enterprise+`":{"shoeSize":"7"}`)), 400, "invalidSyntax")
		}},
		{at: "7643-4.1", says: "a user needs a userName and nothing else", test: func(w *walk) {
			a := w.get(w.user("ada", ""))
			delete(a.doc, "meta")
			delete(a.doc, "id")
			w.same(a.doc, `{"schemas":["`+urnUser+`"],"userName":"ada","active":true}`)
		}},
		{at: "7643-4.1", says: "groups of a user are read-only and there without being asked for", test: func(w *walk) {
			path := w.user("ada", "")
			g := w.group("G", `"members":[{"value":"`+idIn(path)+`"}]`)
			w.same(w.get(path).doc["groups"], `[{"value":"`+idIn(g)+`","$ref":"`+w.http.URL+scimBase+g+`","display":"G","type":"direct"}]`)
		}},
		{at: "7643-4.2", says: "members of a group are there without being asked for", test: func(w *walk) {
			path := w.user("ada", `"displayName":"Ada"`)
			a := w.get(w.group("G", `"members":[{"value":"`+idIn(path)+`","type":"User"}]`))
			w.same(a.doc["members"], `[{"value":"`+idIn(path)+`","$ref":"`+w.http.URL+scimBase+path+`","display":"Ada","type":"User"}]`)
		}},
		{
			at: "7643-4.2", says: "a group may be a member of a group", notMet: "the tenant has no groups inside groups; `/Schemas` lists `User` only, and 400 invalidValue is the answer",
			test: func(w *walk) {
				inner := w.group("I", "")
				w.fails(w.call(http.MethodPost, "/Groups", groupBody("O", `"members":[{"value":"`+idIn(inner)+`","type":"Group"}]`)), 400, "invalidValue")
			},
		},
		{
			at: "7643-4.2", says: "two groups may have the same displayName", notMet: "names of groups are unique in the tenant, which `/Schemas` says; 409 uniqueness",
			test: func(w *walk) {
				w.group("G", "")
				w.fails(w.call(http.MethodPost, "/Groups", groupBody("G", "")), 409, "uniqueness")
			},
		},
		{at: "7643-4.3", says: "a manager has value, $ref and the displayName that the service fills in", test: func(w *walk) {
			boss := w.user("boss", `"displayName":"The Boss"`)
			path := w.user("ada", `"`+enterprise+`":{"manager":{"value":"`+idIn(boss)+`","displayName":"ignored"}}`)
			w.same(at(w.get(path).doc, enterprise, "manager"),
				`{"value":"`+idIn(boss)+`","$ref":"`+w.http.URL+scimBase+boss+`","displayName":"The Boss"}`)
			w.want(w.call(http.MethodDelete, boss, ""), 204)
			if m := at(w.get(path).doc, enterprise, "manager"); m != nil {
				w.t.Errorf("manager %v after the boss has gone", m)
			}
		}},
		{at: "7643-5", says: "ServiceProviderConfig tells what is supported", test: func(w *walk) {
			doc := w.get("/ServiceProviderConfig").doc
			for _, name := range []string{"patch", "bulk", "filter", "changePassword", "sort", "etag"} {
				w.same(at(doc, name, "supported"), `true`)
			}
			w.same([]any{at(doc, "filter", "maxResults"), at(doc, "authenticationSchemes", 0, "type"), at(doc, "meta", "resourceType"), doc["id"]},
				`[1000,"oauthbearertoken","ServiceProviderConfig",null]`)
		}},
		{at: "7643-6", says: "ResourceTypes tells endpoints, schemas and extensions", test: func(w *walk) {
			doc := w.get("/ResourceTypes/User").doc
			w.same([]any{doc["name"], doc["endpoint"], doc["schema"], doc["schemaExtensions"], doc["schemas"]},
				`["User","/Users","`+urnUser+`",[{"schema":"`+enterprise+`","required":false}],["urn:ietf:params:scim:schemas:core:2.0:ResourceType"]]`)
		}},
		{at: "7643-7", says: "Schemas tells each attribute with its characteristics, and nothing of others'", test: func(w *walk) {
			a := w.get("/Schemas/" + urnUser)
			w.same([]any{at(a.doc, "attributes", 0, "name"), at(a.doc, "attributes", 0, "required"), at(a.doc, "attributes", 0, "uniqueness")}, `["userName",true,"server"]`)
			if strings.Contains(string(a.raw), "idcs") || strings.Contains(string(a.raw), `"externalId"`) {
				w.t.Errorf("%s", a.raw)
			}
		}},
		{at: "7643-7", says: "writeOnly is taken and never answered, nor found by", test: func(w *walk) {
			path := w.user("ada", `"password":"Example-Passw0rd"`)
			for _, query := range []string{"", "?attributes=password"} {
				if a := w.get(path + query); strings.Contains(string(a.raw), "assw0rd") || a.doc["password"] != nil {
					w.t.Errorf("%s", a.raw)
				}
			}
			w.userToken("ada")
			w.want(w.call(http.MethodPut, path, userBody("ada", `"title":"Dr"`)), 200)
			w.userToken("ada") // a PUT cannot repeat what was never answered
		}},
		{at: "7643-7", says: "returned default, always and never are kept to", test: func(w *walk) {
			a := w.get(w.user("ada", `"title":"Dr"`) + "?attributes=title")
			w.same([]any{a.doc["title"], a.doc["userName"], a.doc["id"] != nil, a.doc["schemas"]}, `["Dr",null,true,["`+urnUser+`"]]`)
		}},
	}
}
