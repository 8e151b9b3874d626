package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// archiveName is the file that the program embeds. See package docs.
const archiveName = "docs/pages.zip"

// packed puts the pages below docs into an archive, by their paths there. It
// holds no times, so that the same pages give the same bytes.
func packed(files map[string][]byte) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	for _, name := range slices.Sorted(maps.Keys(files)) {
		inside, ok := strings.CutPrefix(name, "docs/")
		if !ok {
			continue
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: inside, Method: zip.Deflate})
		if err == nil {
			_, err = f.Write(files[name])
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack the pages: %w", err)
	}
	return buf.Bytes(), nil
}

// unpacked is the reverse.
func unpacked(archive []byte) (map[string]string, error) {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		files[f.Name] = string(data)
	}
	return files, nil
}

// same says whether a generated file holds what it should. Archives are
// compared by what is inside: compressors differ between versions of Go.
func same(name string, a, b []byte) bool {
	if name != archiveName {
		return bytes.Equal(a, b)
	}
	x, errx := unpacked(a)
	y, erry := unpacked(b)
	return errx == nil && erry == nil && maps.Equal(x, y)
}
