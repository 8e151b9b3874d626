package jsonscan

import (
	"strings"
	"testing"
)

// user is about what a service sends of one.
const user = `{"idcsCreatedBy":{"type":"App","display":"admin","value":"5e1bd1a9d3ab4bbd8d2d6ad7ffb3a1c0","$ref":"https://idcs.example.com/admin/v1/Apps/5e1bd1a9d3ab4bbd8d2d6ad7ffb3a1c0"},` +
	`"id":"4bb5d0c8a1f94a50b7c1f2d300000001","meta":{"created":"2026-01-02T03:04:05.678Z","lastModified":"2026-01-02T03:04:05.678Z","version":"8e1f0b00000001","resourceType":"User","location":"https://idcs.example.com/admin/v1/Users/4bb5d0c8a1f94a50b7c1f2d300000001"},` +
	`"active":true,"displayName":"Ada Lovelace","nickName":"ada","title":"Engineer","userType":"Employee","locale":"en-GB","preferredLanguage":"en","timezone":"Europe/Zurich",` +
	`"name":{"familyName":"Lovelace","givenName":"Ada","formatted":"Ada Lovelace"},"userName":"ada.lovelace@example.com",` +
	`"emails":[{"verified":false,"primary":true,"secondary":false,"value":"ada@example.com","type":"work"},{"verified":false,"primary":false,"value":"ada@example.com","type":"recovery"}],` +
	`"addresses":[{"type":"work","streetAddress":"1 Rue de l'Exemple","locality":"Zürich","postalCode":"8001","country":"CH","formatted":"1 Rue de l'Exemple\n8001 Zürich"}],` +
	`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"E1","costCenter":"CC-17","department":"Research","organization":"Analytical Engines","division":"North"},` +
	`"urn:ietf:params:scim:schemas:oracle:idcs:extension:user:User":{"isFederatedUser":false,"creationMechanism":"api","status":"verified"},` +
	`"urn:ietf:params:scim:schemas:oracle:idcs:extension:capabilities:User":{"canUseApiKeys":true,"canUseAuthTokens":true,"canUseConsolePassword":true,"canUseCustomerSecretKeys":true},` +
	`"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]}`

// BenchmarkPick checks a page and picks two members of each user.
func BenchmarkPick(b *testing.B) {
	page := []byte(strings.Repeat(user, 100))
	p := NewPicker([]string{"id"}, []string{"name", "familyName"})
	out := make([]Span, 2)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		for i := 0; i < len(page); {
			end, odd := p.Pick(page, i, out)
			if odd || end < 0 || out[1].End == 0 {
				b.Fatal("not an object")
			}
			i = end
		}
	}
}
