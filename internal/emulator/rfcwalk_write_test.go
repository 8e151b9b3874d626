package emulator

import (
	"net/http"
	"strings"
	"time"
)

func walkCreate() []paragraph {
	return []paragraph{
		{at: "7644-3.1", says: "bodies are application/scim+json in both directions", test: func(w *walk) {
			for _, path := range []string{"/Users", "/Groups", "/ServiceProviderConfig", "/ResourceTypes", "/Schemas", w.user("ada", "")} {
				if ct := w.get(path).header.Get("Content-Type"); ct != "application/scim+json" {
					w.t.Errorf("%s: %q", path, ct)
				}
			}
		}},
		{at: "7644-3.1", says: "every body names its schemas", test: func(w *walk) {
			w.fails(w.call(http.MethodPost, "/Users", `{"userName":"ada"}`), 400, "invalidSyntax")
			w.fails(w.call(http.MethodPost, "/Users", `{"schemas":[],"userName":"ada"}`), 400, "invalidSyntax")
			w.fails(w.call(http.MethodPost, "/Users", groupBody("A", "")), 400, "invalidSyntax")
		}},
		{at: "7644-3.2", says: "each endpoint has the methods of table 2, and 405 names them", test: func(w *walk) {
			path := w.user("ada", "")
			for _, tc := range []struct{ method, path, allow string }{
				{"PUT", "/Users", "GET"},
				{"PATCH", "/Users", "POST"},
				{"DELETE", "/Users", "GET"},
				{"POST", path, "PATCH"},
				{"GET", "/Bulk", "POST"},
				{"POST", "/Schemas", "GET"},
				{"DELETE", "/ServiceProviderConfig", "GET"},
				{"PUT", "/ResourceTypes/User", "GET"},
				{"POST", "", "GET"},
			} {
				a := w.call(tc.method, tc.path, "")
				w.fails(a, 405, "")
				if !strings.Contains(a.header.Get("Allow"), tc.allow) {
					w.t.Errorf("%s %s: Allow %q", tc.method, tc.path, a.header.Get("Allow"))
				}
			}
			for _, path := range []string{"/None", "/users", "/Users/a/b", "/Bulk/x", "/Me/x", "/Schemas/none", "/ServiceProviderConfig/x"} {
				w.fails(w.call(http.MethodGet, path, ""), 404, "")
			}
		}},
		{at: "7644-3.3", says: "a create answers 201, the resource, Location and meta.location", test: func(w *walk) {
			a := w.want(w.call(http.MethodPost, "/Users", userBody("ada", `"displayName":"Ada"`)), 201)
			location := w.http.URL + scimBase + "/Users/" + w.id(a)
			if a.header.Get("Location") != location || at(a.doc, "meta", "location") != location || a.doc["displayName"] != "Ada" {
				w.t.Errorf("%v %s", a.header, a.raw)
			}
		}},
		{at: "7644-3.3", says: "read-only attributes of a create are ignored", test: func(w *walk) {
			a := w.want(w.call(http.MethodPost, "/Users", userBody("ada", `"id":"mine","meta":{"version":"1"},"groups":[{"value":"g"}]`)), 201)
			if w.id(a) == "mine" || at(a.doc, "meta", "version") == "1" || a.doc["groups"] != nil {
				w.t.Errorf("%s", a.raw)
			}
		}},
		{at: "7644-3.3", says: "a duplicate is 409 uniqueness", test: func(w *walk) {
			w.user("ada", "")
			w.fails(w.call(http.MethodPost, "/Users", userBody("ADA", "")), 409, "uniqueness")
		}},
		{at: "7644-3.3", says: "a required value that is missing is 400 invalidValue", test: func(w *walk) {
			w.fails(w.call(http.MethodPost, "/Users", `{"schemas":["`+urnUser+`"]}`), 400, "invalidValue")
		}},
		{at: "7644-3.3.1", says: "the service says what type a resource has", test: func(w *walk) {
			a := w.want(w.call(http.MethodPost, "/Groups", groupBody("A", `"meta":{"resourceType":"User"}`)), 201)
			w.same(at(a.doc, "meta", "resourceType"), `"Group"`)
		}},
	}
}

func walkReplace() []paragraph {
	return []paragraph{
		{at: "7644-3.5", says: "PUT replaces all, PATCH changes parts", test: func(w *walk) {
			path := w.user("ada", `"title":"Dr","nickName":"A"`)
			a := w.patched(path, `{"op":"replace","path":"title","value":"Prof"}`)
			w.same([]any{a.doc["title"], a.doc["nickName"]}, `["Prof","A"]`)
			a = w.want(w.call(http.MethodPut, path, userBody("ada", `"title":"Mr"`)), 200)
			w.same([]any{a.doc["title"], a.doc["nickName"]}, `["Mr",null]`)
		}},
		{at: "7644-3.5.1", says: "readWrite values replace, omitted ones are cleared", test: func(w *walk) {
			path := w.user("ada", `"emails":[{"value":"a@example.com"}],"name":{"givenName":"Ada","familyName":"L"}`)
			w.want(w.call(http.MethodPut, path, userBody("ada2", `"name":{"givenName":"Eve"}`)), 200)
			a := w.get(path)
			w.same([]any{a.doc["userName"], a.doc["emails"], a.doc["name"]}, `["ada2",null,{"givenName":"Eve"}]`)
		}},
		{at: "7644-3.5.1", says: "readOnly values are ignored", test: func(w *walk) {
			path := w.user("ada", "")
			before := w.get(path)
			a := w.want(w.call(http.MethodPut, path, userBody("ada", `"id":"other","meta":{"created":"2001-01-01T00:00:00Z"},"groups":[{"value":"x"}],"title":"Dr"`)), 200)
			w.same([]any{a.doc["id"], at(a.doc, "meta", "created"), a.doc["groups"]},
				`["`+idIn(path)+`","`+at(before.doc, "meta", "created").(string)+`",null]`)
		}},
		{at: "7644-3.5.1", says: "an immutable value that does not match is 400 mutability", test: func(w *walk) {
			// The standard schemas have immutable values in members only, which
			// a PUT replaces as a whole; a change of one is a PATCH.
			a, b := w.user("ada", ""), w.user("bob", "")
			g := w.group("G", `"members":[{"value":"`+idIn(a)+`"}]`)
			w.fails(w.patch(g, `{"op":"replace","path":"members[value eq \"`+idIn(a)+`\"].value","value":"`+idIn(b)+`"}`), 400, "mutability")
			got := w.want(w.call(http.MethodPut, g, groupBody("G", `"members":[{"value":"`+idIn(b)+`"}]`)), 200)
			w.same(at(got.doc, "members", 0, "value"), `"`+idIn(b)+`"`)
		}},
		{at: "7644-3.5.1", says: "required values must be there", test: func(w *walk) {
			w.fails(w.call(http.MethodPut, w.user("ada", ""), `{"schemas":["`+urnUser+`"],"title":"x"}`), 400, "invalidValue")
		}},
		{at: "7644-3.5.1", says: "PUT does not create", test: func(w *walk) {
			w.fails(w.call(http.MethodPut, "/Users/none", userBody("ada", "")), 404, "")
		}},
		{at: "7644-3.5.1", says: "a conflict is 409 uniqueness", test: func(w *walk) {
			w.user("ada", "")
			w.fails(w.call(http.MethodPut, w.user("bob", ""), userBody("ada", "")), 409, "uniqueness")
		}},
		{at: "7644-3.5.1", says: "what identity domains keep beside the standard stays", test: func(w *walk) {
			id := w.create("ada") // by /admin/v1, with a recovery address of its own
			w.want(w.do(http.MethodPatch, "/admin/v1/Users/"+id, patchOp("urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User:isFederatedUser", true)), 200)
			w.want(w.do(http.MethodPatch, "/admin/v1/Users/"+id, patchOp(`emails[type eq "work"].verified`, true)), 200)
			body := `"emails":[{"value":"ada@example.com","type":"work","primary":true}],"title":"Dr"`
			a := w.want(w.call(http.MethodPut, "/Users/"+id, userBody("ada", body)), 200)
			if strings.Contains(string(a.raw), "idcs") || at(a.doc, "emails", 0, "verified") != nil || a.doc["ocid"] != nil {
				w.t.Errorf("not standard: %s", a.raw)
			}
			got := w.want(w.do(http.MethodGet, "/admin/v1/Users/"+id, nil), 200)
			w.same([]any{
				at(got.doc, "urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User", "isFederatedUser"),
				at(got.doc, "emails", 0, "verified"), got.doc["title"],
			}, `[true,true,"Dr"]`)
		}},
		{at: "7644-3.6", says: "a deleted resource is gone: 204, then 404, and in no query", test: func(w *walk) {
			path := w.user("ada", "")
			a := w.want(w.call(http.MethodDelete, path, ""), 204)
			if len(a.raw) != 0 {
				w.t.Errorf("body %q", a.raw)
			}
			for _, m := range []string{http.MethodGet, http.MethodDelete} {
				w.fails(w.call(m, path, ""), 404, "")
			}
			w.fails(w.call(http.MethodPut, path, userBody("ada", "")), 404, "")
			w.fails(w.patch(path, `{"op":"add","path":"title","value":"x"}`), 404, "")
			w.same(w.get("/Users").doc["totalResults"], `0`)
		}},
		{at: "7644-3.6", says: "the name of a deleted resource is free", test: func(w *walk) {
			w.want(w.call(http.MethodDelete, w.user("ada", ""), ""), 204)
			w.user("ada", "")
		}},
		{at: "7644-3.14", says: "the ETag is meta.version, weak, and changes with the resource", test: func(w *walk) {
			path := w.user("ada", "")
			a := w.get(path)
			tag := a.header.Get("ETag")
			if at(a.doc, "meta", "version") != tag || !strings.HasPrefix(tag, `W/"`) {
				w.t.Errorf("ETag %q: %s", tag, a.raw)
			}
			if next := w.patched(path, `{"op":"add","path":"title","value":"Dr"}`).header.Get("ETag"); next == tag || next == "" {
				w.t.Errorf("ETag %q after %q", next, tag)
			}
		}},
		{at: "7644-3.14", says: "If-None-Match with the present version is 304", test: func(w *walk) {
			path := w.user("ada", "")
			tag := w.get(path).header.Get("ETag")
			a := w.want(w.call(http.MethodGet, path, "", "If-None-Match", `W/"x", `+tag), 304)
			if len(a.raw) != 0 || a.header.Get("ETag") != tag {
				w.t.Errorf("%v %q", a.header, a.raw)
			}
			w.get(path, "If-None-Match", `W/"x"`)
		}},
		{at: "7644-3.14", says: "If-Match with another version is 412, for PUT, PATCH and DELETE", test: func(w *walk) {
			path := w.user("ada", "")
			tag := w.get(path).header.Get("ETag")
			w.fails(w.call(http.MethodPut, path, userBody("ada", ""), "If-Match", `W/"x"`), 412, "")
			w.fails(w.call(http.MethodDelete, path, "", "If-Match", `W/"x"`), 412, "")
			w.fails(w.call(http.MethodDelete, path, "", "If-None-Match", tag), 412, "")
			w.want(w.call(http.MethodPut, path, userBody("ada", ""), "If-Match", tag), 200)
			w.want(w.call(http.MethodDelete, path, "", "If-Match", "*"), 204)
		}},
	}
}

func walkPatch() []paragraph {
	const work = `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"h@example.com","type":"home"}]`
	return []paragraph{
		{at: "7644-3.5.2", says: "a patch names its schema and has operations", test: func(w *walk) {
			path := w.user("ada", "")
			for _, body := range []string{
				`{"Operations":[{"op":"add","path":"title","value":"x"}]}`, `{"schemas":["` + urnPatch + `"]}`,
				`{"schemas":["` + urnPatch + `"],"Operations":[]}`, `{"schemas":["` + urnPatch + `"],"Operations":[{"op":"move","path":"title"}]}`,
				`{"schemas":["` + urnPatch + `"],"Operations":[{"op":"add","path":"title"}]}`, `[]`, `{`,
			} {
				w.fails(w.call(http.MethodPatch, path, body), 400, "invalidSyntax")
			}
		}},
		{at: "7644-3.5.2", says: "an answer is 200 with the resource", test: func(w *walk) {
			a := w.patched(w.user("ada", ""), `{"op":"add","path":"title","value":"Dr"}`)
			w.same([]any{a.doc["userName"], a.doc["title"]}, `["ada","Dr"]`)
		}},
		{at: "7644-3.5.2", says: "all operations are done or none", test: func(w *walk) {
			path := w.user("ada", "")
			w.fails(w.patch(path, `{"op":"add","path":"title","value":"Dr"}`, `{"op":"add","path":"shoeSize","value":"1"}`), 400, "invalidPath")
			w.same(w.get(path).doc["title"], `null`)
		}},
		{at: "7644-3.5.2", says: "operations are done in order", test: func(w *walk) {
			a := w.patched(w.user("ada", ""), `{"op":"add","path":"title","value":"A"}`, `{"op":"replace","path":"title","value":"B"}`)
			w.same(a.doc["title"], `"B"`)
		}},
		{at: "7644-3.5.2", says: "a primary set to true takes it from the others", test: func(w *walk) {
			a := w.patched(w.user("ada", work), `{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}`)
			w.same([]any{at(a.doc, "emails", 0, "primary"), at(a.doc, "emails", 1, "primary")}, `[false,true]`)
		}},
		{at: "7644-3.5.2", says: "a read-only attribute is 400 mutability", test: func(w *walk) {
			path := w.user("ada", "")
			for _, op := range []string{
				`{"op":"replace","path":"id","value":"x"}`, `{"op":"add","path":"groups","value":[{"value":"x"}]}`,
				`{"op":"remove","path":"meta.created"}`, `{"op":"replace","value":{"meta":{"version":"x"}}}`,
			} {
				w.fails(w.patch(path, op), 400, "mutability")
			}
		}},
		{at: "7644-3.5.2", says: "a path that is none is 400 invalidPath", test: func(w *walk) {
			path := w.user("ada", "")
			for _, p := range []string{`emails[type eq`, `a b`, `emails[shoeSize eq 1]`, `urn:example:x`} {
				w.fails(w.patch(path, `{"op":"replace","path":"`+p+`","value":"x"}`), 400, "invalidPath")
			}
		}},
		{at: "7644-3.5.2.1", says: "add without a path adds each member of its value", test: func(w *walk) {
			a := w.patched(w.user("ada", work), `{"op":"add","value":{"title":"Dr","emails":[{"value":"o@example.com","type":"other"}]}}`)
			w.same([]any{a.doc["title"], at(a.doc, "emails", 2, "value")}, `["Dr","o@example.com"]`)
		}},
		{at: "7644-3.5.2.1", says: "add to a single value replaces it, to a complex one adds parts", test: func(w *walk) {
			a := w.patched(w.user("ada", `"title":"A","name":{"givenName":"Ada"}`),
				`{"op":"add","path":"title","value":"B"}`, `{"op":"add","path":"name","value":{"familyName":"L"}}`)
			w.same([]any{a.doc["title"], a.doc["name"]}, `["B",{"givenName":"Ada","familyName":"L"}]`)
		}},
		{at: "7644-3.5.2.1", says: "adding what is there changes nothing, lastModified included", test: func(w *walk) {
			path := w.user("ada", `"title":"Dr"`)
			before := w.get(path)
			w.clock.advance(time.Minute)
			a := w.patched(path, `{"op":"add","path":"title","value":"Dr"}`)
			w.same(a.doc["meta"].(map[string]any)["lastModified"], `"`+at(before.doc, "meta", "lastModified").(string)+`"`)
		}},
		{at: "7644-3.5.2.1", says: "members are added to a group", test: func(w *walk) {
			a, b := idIn(w.user("ada", "")), idIn(w.user("bob", ""))
			g := w.group("G", `"members":[{"value":"`+a+`"}]`)
			got := w.patched(g, `{"op":"add","path":"members","value":[{"value":"`+b+`","$ref":"`+w.http.URL+scimBase+`/Users/`+b+`"},{"value":"`+a+`"}]}`)
			w.same([]any{at(got.doc, "members", 0, "value"), at(got.doc, "members", 1, "value"), at(got.doc, "members", 2)}, `["`+a+`","`+b+`",null]`)
		}},
		{at: "7644-3.5.2.2", says: "remove without a path is 400 noTarget", test: func(w *walk) {
			w.fails(w.patch(w.user("ada", ""), `{"op":"remove"}`), 400, "noTarget")
		}},
		{at: "7644-3.5.2.2", says: "remove of single, complex and whole lists", test: func(w *walk) {
			a := w.patched(w.user("ada", work+`,"title":"Dr","name":{"givenName":"Ada","familyName":"L"}`),
				`{"op":"remove","path":"title"}`, `{"op":"remove","path":"emails"}`, `{"op":"remove","path":"name.givenName"}`)
			w.same([]any{a.doc["title"], a.doc["emails"], a.doc["name"]}, `[null,null,{"familyName":"L"}]`)
		}},
		{at: "7644-3.5.2.2", says: "remove with a filter removes what matches, or its part", test: func(w *walk) {
			path := w.user("ada", work)
			a := w.patched(path, `{"op":"remove","path":"emails[type eq \"work\"].primary"}`)
			w.same(a.doc["emails"], `[{"value":"w@example.com","type":"work"},{"value":"h@example.com","type":"home"}]`)
			a = w.patched(path, `{"op":"remove","path":"emails[value sw \"w\"]"}`)
			w.same(a.doc["emails"], `[{"value":"h@example.com","type":"home"}]`)
			a = w.patched(path, `{"op":"remove","path":"emails[type eq \"home\"]"}`)
			w.same(a.doc["emails"], `null`)
		}},
		{at: "7644-3.5.2.2", says: "remove of a required attribute is 400 mutability", test: func(w *walk) {
			w.fails(w.patch(w.user("ada", ""), `{"op":"remove","path":"userName"}`), 400, "mutability")
		}},
		{at: "7644-3.5.2.2", says: "one member or all are removed from a group", test: func(w *walk) {
			a, b := idIn(w.user("ada", "")), idIn(w.user("bob", ""))
			g := w.group("G", `"members":[{"value":"`+a+`"},{"value":"`+b+`"}]`)
			got := w.patched(g, `{"op":"remove","path":"members[value eq \"`+a+`\"]"}`)
			w.same([]any{at(got.doc, "members", 0, "value"), at(got.doc, "members", 1)}, `["`+b+`",null]`)
			w.same(w.patched(g, `{"op":"remove","path":"members"}`).doc["members"], `null`)
		}},
		{at: "7644-3.5.2.3", says: "replace without a path replaces each member of its value", test: func(w *walk) {
			a := w.patched(w.user("ada", work+`,"title":"Dr"`), `{"op":"replace","value":{"title":"Prof","emails":[{"value":"n@example.com"}]}}`)
			w.same([]any{a.doc["title"], a.doc["emails"]}, `["Prof",[{"value":"n@example.com"}]]`)
		}},
		{at: "7644-3.5.2.3", says: "replace of what is not there adds it", test: func(w *walk) {
			w.same(w.patched(w.user("ada", ""), `{"op":"replace","path":"title","value":"Dr"}`).doc["title"], `"Dr"`)
		}},
		{at: "7644-3.5.2.3", says: "replace of a complex attribute replaces the parts given", test: func(w *walk) {
			a := w.patched(w.user("ada", `"name":{"givenName":"Ada","familyName":"L"}`), `{"op":"replace","path":"name","value":{"familyName":"K"}}`)
			w.same(a.doc["name"], `{"givenName":"Ada","familyName":"K"}`)
		}},
		{at: "7644-3.5.2.3", says: "replace with a filter replaces what matches, or its part", test: func(w *walk) {
			path := w.user("ada", work)
			a := w.patched(path, `{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"n@example.com","type":"other"}}`)
			w.same(at(a.doc, "emails", 1), `{"value":"n@example.com","type":"other"}`)
			a = w.patched(path, `{"op":"replace","path":"emails[type eq \"work\"].value","value":"m@example.com"}`)
			w.same(at(a.doc, "emails", 0), `{"value":"m@example.com","type":"work","primary":true}`)
		}},
		{at: "7644-3.5.2.3", says: "replace with a filter that matches nothing is 400 noTarget", test: func(w *walk) {
			path := w.user("ada", work)
			w.fails(w.patch(path, `{"op":"replace","path":"emails[type eq \"other\"].value","value":"x@example.com"}`), 400, "noTarget")
			w.fails(w.patch(path, `{"op":"replace","path":"emails[type eq \"other\"]","value":{"value":"x@example.com"}}`), 400, "noTarget")
			w.fails(w.patch(w.group("G", ""), `{"op":"replace","path":"members[value eq \"x\"]","value":{"value":"y"}}`), 400, "noTarget")
		}},
	}
}
