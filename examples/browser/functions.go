package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/worker"
)

// What the disk process does. It alone opens files.
var (
	loadPage = worker.Define("load", load)
	savePNG  = worker.Define("save", save)
)

// What each tab's process does.
var (
	navigate = worker.Define("navigate", show)
	drawTab  = worker.Define("draw", drawFrame)
)

// pageExtension is that of the files that are pages.
const pageExtension = ".page"

//go:embed pages/*.page
var builtIn embed.FS

// pageName is a file in a directory; the empty directory is the pages that are built in.
type pageName struct{ Dir, Name string }

// load returns the text of a page. A name leads to nothing outside the directory.
func load(_ context.Context, in pageName) (string, error) {
	dir, err := fs.Sub(builtIn, "pages")
	if err != nil {
		return "", err
	}
	if in.Dir != "" {
		root, err := os.OpenRoot(in.Dir)
		if err != nil {
			return "", err
		}
		defer root.Close()
		dir = root.FS()
	}
	f, err := dir.Open(in.Name + pageExtension)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPage+1))
	return string(text), err
}

// file is what is to be on the disk.
type file struct {
	Path string // rooted
	Data []byte
}

// save puts the whole file there, or leaves what was there. A device or a directory is
// not replaced.
func save(_ context.Context, in file) (struct{}, error) {
	if info, err := os.Stat(in.Path); err == nil && !info.Mode().IsRegular() {
		return struct{}{}, fmt.Errorf("%s is there, and is no file that may be replaced", in.Path)
	}
	f, err := os.CreateTemp(filepath.Dir(in.Path), ".browser")
	if err != nil {
		return struct{}{}, err
	}
	_, err = f.Write(in.Data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), in.Path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return struct{}{}, err
}

// current is the page of this process, a tab's.
var current *page

// show makes a text the page, and returns its title.
func show(_ context.Context, text string) (title string, err error) {
	if current, err = parsePage(text); err != nil {
		return "", err
	}
	return current.title, nil
}

// frame is a picture to be drawn.
type frame struct {
	Number  int
	Picture *worker.Buffer // of pictureSize bytes: 4 a pixel, red, green, blue, alpha
	Fault   fault
}

// fault is what goes wrong with a frame.
type fault int

const (
	noFault fault = iota
	crash
	hang
	greedy
)

func drawFrame(_ context.Context, in frame) (struct{}, error) {
	if current == nil {
		return struct{}{}, errors.New("the tab has no page yet")
	}
	picture, err := pictureIn(in.Picture.Bytes())
	if err != nil {
		return struct{}{}, err
	}
	if in.Fault == crash || in.Number == current.crashAt {
		var nothing *page
		nothing.draw(picture, in.Number) // a bug, as pages find them
	}
	if in.Fault == hang || in.Number == current.hangAt {
		for {
			current.draw(picture, in.Number) // for ever, and deaf to its context
		}
	}
	if in.Fault == greedy || in.Number == current.greedyAt {
		takeMemory()
	}
	current.draw(picture, in.Number)
	return struct{}{}, nil
}

// takeMemory takes as much as there is, until the process is not given any more.
func takeMemory() {
	for taken := [][]byte{}; ; {
		taken = append(taken, make([]byte, 1<<20))
	}
}
