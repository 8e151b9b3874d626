package mapping

import (
	"io"

	"github.com/idctl/idctl/internal/transfer/csvio"
)

// Template writes an empty file to be filled in: the header with every column
// that an import reads, and no example row that could be imported by mistake.
func Template(typ string, w io.Writer) error {
	if err := checkType(typ); err != nil {
		return err
	}
	var header []string
	for _, c := range Columns(typ) {
		if !c.ExportOnly {
			header = append(header, c.Name)
		}
	}
	out := csvio.NewWriter(w, csvio.Format{})
	if err := out.Write(header); err != nil {
		return err
	}
	return out.Flush()
}
