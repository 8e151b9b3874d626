package emulator

import (
	"testing"

	"github.com/idctl/idctl/internal/emulator/engine"
	"github.com/idctl/idctl/internal/emulator/oauth"
	"github.com/idctl/idctl/internal/emulator/store"
	"github.com/idctl/idctl/pkg/scim/schema"
)

// BenchmarkRights is what one request pays for its rights: when nothing has
// changed since the last one, after a write of something else, and after a
// change of grants, for a client and for a user.
func BenchmarkRights(b *testing.B) {
	s, token := benchService(b, 10)
	claims, err := s.OAuth().Verify(b.Context(), token)
	if err != nil {
		b.Fatal(err)
	}
	who := &caller{scope: oauth.ScopeMyScopes, clientID: claims.ClientID, party: party{app: claims.ClientGUID}}
	write := func(value string) {
		if err := s.store.Update(b.Context(), func(tx store.Tx) error { return tx.SetValue(value, []byte(randomHex(16))) }); err != nil {
			b.Fatal(err)
		}
	}
	for _, bc := range []struct{ name, changes string }{{"same", ""}, {"write", "bench"}, {"grants", engine.RightsEpoch}} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if bc.changes != "" {
					b.StopTimer()
					write(bc.changes)
					b.StartTimer()
				}
				if err := s.mayDo(b.Context(), who, "Users", schema.VerbGet, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
