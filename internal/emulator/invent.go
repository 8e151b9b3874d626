package emulator

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"

	"github.com/idctl/idctl/internal/emulator/engine"
)

const (
	urnUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// person is a name with its spelling in an address.
type person struct{ name, ascii string }

// Names of many scripts and lengths, with what breaks careless programs:
// apostrophes, hyphens, blanks, one letter, letters beyond the first plane.
// All people are invented.
var (
	givenNames = []person{
		{"Ada", "ada"},
		{"Zoë", "zoe"},
		{"José", "jose"},
		{"Søren", "soren"},
		{"Łucja", "lucja"},
		{"Çağla", "cagla"},
		{"Þóra", "thora"},
		{"Nguyệt", "nguyet"},
		{"Анна", "anna"},
		{"Дмитрий", "dmitri"},
		{"Ελένη", "eleni"},
		{"محمد", "mohammed"},
		{"דוד", "david"},
		{"美咲", "misaki"},
		{"太郎", "taro"},
		{"小明", "xiaoming"},
		{"지훈", "jihoon"},
		{"अनिका", "anika"},
		{"Jean-Luc", "jeanluc"},
		{"Mary Ann", "maryann"},
		{"O", "o"},
		{"Björk", "bjork"},
		{"Ngozi", "ngozi"},
		{"Siobhán", "siobhan"},
		{"François", "francois"},
		{"Jürgen", "juergen"},
		{"Ivan", "ivan"},
		{"Priya", "priya"},
		{"Fatima", "fatima"},
		{"Wei", "wei"},
		{"Kwame", "kwame"},
		{"Inés", "ines"},
	}
	familyNames = []person{
		{"Müller", "mueller"},
		{"O'Brien", "obrien"},
		{"D’Angelo", "dangelo"},
		{"García Márquez", "garciamarquez"},
		{"van der Berg", "vanderberg"},
		{"Smith-Jones", "smithjones"},
		{"Nguyễn", "nguyen"},
		{"Иванова", "ivanova"},
		{"Παπαδόπουλος", "papadopoulos"},
		{"الحسن", "alhassan"},
		{"כהן", "cohen"},
		{"佐藤", "sato"},
		{"王", "wang"},
		{"김", "kim"},
		{"शर्मा", "sharma"},
		{"Łukasiewicz", "lukasiewicz"},
		{"Åström", "astrom"},
		{"Øvergård", "overgard"},
		{"Yılmaz", "yilmaz"},
		{"de Souza", "desouza"},
		{"Okonkwo", "okonkwo"},
		{"Guðmundsdóttir", "gudmundsdottir"},
		{"Čapek", "capek"},
		{"Őry", "ory"},
		{"𠮷田", "yoshida"},
		{"Li", "li"},
		{"Ferreira", "ferreira"},
		{"Kaur", "kaur"},
		{"Schmidt", "schmidt"},
		{"MacDonald", "macdonald"},
	}
	departments = []string{
		"Engineering", "Finance", "Human Resources", "Sales, EMEA", "Research & Development", "Legal", "Operations",
		"Customer Care", "Marketing", "Security",
	}
	titles = []string{"Analyst", "Engineer", "Manager", "Director", "Assistant", "Consultant", "Architect", "Clerk"}
	places = []struct{ locality, country, locale, zone, phone string }{
		{"Berlin", "DE", "de-DE", "Europe/Berlin", "+4930"},
		{"New York", "US", "en-US", "America/New_York", "+1212"},
		{"São Paulo", "BR", "pt-BR", "America/Sao_Paulo", "+5511"},
		{"東京", "JP", "ja-JP", "Asia/Tokyo", "+813"},
		{"Mumbai", "IN", "en-IN", "Asia/Kolkata", "+9122"},
		{"Kraków", "PL", "pl-PL", "Europe/Warsaw", "+4812"},
		{"Nairobi", "KE", "en-KE", "Africa/Nairobi", "+25420"},
		{"Zürich", "CH", "de-CH", "Europe/Zurich", "+4144"},
	}
)

// teamSize is how many users share a manager, who is the first of them.
const teamSize = 10

// maxInventedMembers bounds the members of an invented group.
const maxInventedMembers = 25

// invent makes up users and then groups of them, the same ones for the same
// seed.
func invent(seed uint64, users, groups int) iter.Seq[SeedDocument] {
	return func(yield func(SeedDocument) bool) {
		//nolint:gosec // people that must be the same each time, not secrets
		rng := rand.New(rand.NewPCG(seed, 0x1dc71))
		taken := map[string]int{}
		for i := range users {
			d := SeedDocument{Type: "User", BulkID: inventedID(i), Document: inventUser(rng, seed, i, taken)}
			if !yield(d) {
				return
			}
		}
		for i := range groups {
			d := SeedDocument{Type: "Group", Document: inventGroup(rng, seed, i, users)}
			if !yield(d) {
				return
			}
		}
	}
}

func inventedID(i int) string { return "invented-user-" + strconv.Itoa(i) }

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func inventUser(rng *rand.Rand, seed uint64, i int, taken map[string]int) engine.Document {
	given, family, place := pick(rng, givenNames), pick(rng, familyNames), pick(rng, places)
	local := given.ascii + "." + family.ascii
	taken[local]++
	if n := taken[local]; n > 1 {
		local += strconv.Itoa(n)
	}
	if seed != 0 { // so that two seeds go into one store
		local += "." + strconv.FormatUint(seed, 36)
	}
	mail := local + "@example.com"
	emails := []any{map[string]any{"value": mail, "type": "work", "primary": true}}
	if rng.IntN(3) == 0 {
		emails = append(emails, map[string]any{"value": local + "@home.example.com", "type": "home"})
	}
	enterprise := map[string]any{
		"employeeNumber": fmt.Sprintf("E%06d", i+1),
		"department":     departments[i/teamSize%len(departments)],
		"organization":   "Example Corporation",
	}
	if boss := i - i%teamSize; boss != i {
		enterprise["manager"] = map[string]any{"value": bulkPrefix + inventedID(boss)}
	}
	return engine.Document{
		"schemas":     []any{urnUser, urnEnterprise},
		"userName":    mail,
		"name":        map[string]any{"givenName": given.name, "familyName": family.name},
		"displayName": given.name + " " + family.name,
		"title":       pick(rng, titles),
		"userType":    "Employee",
		"active":      rng.IntN(12) != 0,
		"locale":      place.locale,
		"timezone":    place.zone,
		"emails":      emails,
		"phoneNumbers": []any{
			map[string]any{"value": place.phone + fmt.Sprintf("%07d", 1_000_000+rng.IntN(9_000_000)), "type": "work"},
		},
		"addresses": []any{map[string]any{
			"type": "work", "locality": place.locality, "country": place.country,
			"streetAddress": fmt.Sprintf("%d Example Street, Floor %d", 1+rng.IntN(200), 1+rng.IntN(20)),
		}},
		urnEnterprise: enterprise,
	}
}

func inventGroup(rng *rand.Rand, seed uint64, i, users int) engine.Document {
	name := fmt.Sprintf("%s %d", departments[i%len(departments)], i/len(departments)+1)
	if seed != 0 {
		name += " (" + strconv.FormatUint(seed, 36) + ")"
	}
	doc := engine.Document{"schemas": []any{urnGroup}, "displayName": name}
	if users == 0 {
		return doc
	}
	members := []any{}
	seen := map[int]bool{}
	for range 1 + rng.IntN(maxInventedMembers) {
		n := rng.IntN(users)
		if seen[n] {
			continue
		}
		seen[n] = true
		members = append(members, map[string]any{"value": bulkPrefix + inventedID(n), "type": "User"})
	}
	doc["members"] = members
	return doc
}
