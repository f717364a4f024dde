package main

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strconv"
	"strings"
)

// The size of a tab's picture, in pixels.
const (
	tabWidth  = 32
	tabHeight = 24
)

// Bounds of what a page may ask for.
const (
	maxPage   = 64 << 10 // bytes
	maxShapes = 1000
	maxNumber = 1 << 20
)

// page is what a tab shows. The text that it is made from comes from anywhere: that is
// why a process of its own reads it.
type page struct {
	title      string
	background color.RGBA
	shapes     []shape

	// The frames with which something goes wrong; -1: none.
	crashAt, hangAt, greedyAt int
}

// shape draws itself as it is at a frame.
type shape interface {
	draw(on *image.RGBA, frame int)
}

// parsePage reads a page: a line for the title, the background and each shape.
func parsePage(text string) (*page, error) {
	if len(text) > maxPage {
		return nil, fmt.Errorf("the page has %d bytes, and may have %d", len(text), maxPage)
	}
	p := &page{background: color.RGBA{A: 255}, crashAt: -1, hangAt: -1, greedyAt: -1}
	number := 0
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		number++
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := p.add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return p, nil
}

func (p *page) add(line string) (err error) {
	word, rest, _ := strings.Cut(line, " ")
	w := words(strings.Fields(rest))
	switch word {
	case "title":
		p.title = strings.TrimSpace(rest)
	case "background":
		p.background, err = w.color(0)
	case "waves":
		p.shapes = append(p.shapes, waves{})
	case "rect":
		var r rect
		r.Rectangle, err = w.rectangle()
		if err == nil {
			r.color, err = w.color(4)
		}
		p.shapes = append(p.shapes, r)
	case "disc":
		var d disc
		d, err = w.disc()
		p.shapes = append(p.shapes, d)
	case "crash":
		p.crashAt, err = w.number(0)
	case "hang":
		p.hangAt, err = w.number(0)
	case "greedy":
		p.greedyAt, err = w.number(0)
	default:
		err = fmt.Errorf("a page has no %q", word)
	}
	if err == nil && len(p.shapes) > maxShapes {
		err = fmt.Errorf("a page has at most %d shapes", maxShapes)
	}
	return err
}

// words are those of a line, after its first.
type words []string

func (w words) number(i int) (int, error) {
	if i >= len(w) {
		return 0, fmt.Errorf("number %d is missing", i+1)
	}
	n, err := strconv.Atoi(w[i])
	if err != nil || n < -maxNumber || n > maxNumber {
		return 0, fmt.Errorf("%q is no number from %d to %d", w[i], -maxNumber, maxNumber)
	}
	return n, nil
}

// numbers returns the first n words as numbers.
func (w words) numbers(n int) ([]int, error) {
	all := make([]int, n)
	var errs []error
	for i := range all {
		var err error
		all[i], err = w.number(i)
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

func (w words) color(i int) (color.RGBA, error) {
	if i >= len(w) {
		return color.RGBA{}, errors.New("the colour is missing")
	}
	rgb, err := strconv.ParseUint(w[i], 16, 24)
	if err != nil || len(w[i]) != 6 {
		return color.RGBA{}, fmt.Errorf("%q is no colour: write RRGGBB", w[i])
	}
	return color.RGBA{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb), 255}, nil
}

func (w words) rectangle() (image.Rectangle, error) {
	n, err := w.numbers(4)
	if err != nil {
		return image.Rectangle{}, err
	}
	return image.Rect(n[0], n[1], n[0]+n[2], n[1]+n[3]), nil
}

func (w words) disc() (d disc, err error) {
	n, err := w.numbers(3)
	if err != nil {
		return d, err
	}
	d.x, d.y, d.radius = n[0], n[1], n[2]
	if d.color, err = w.color(3); err != nil || len(w) == 4 {
		return d, err
	}
	if n, err = w[4:].numbers(2); err != nil {
		return d, err
	}
	d.dx, d.dy = n[0], n[1]
	return d, nil
}

// draw draws a frame.
func (p *page) draw(on *image.RGBA, frame int) {
	draw.Draw(on, on.Rect, image.NewUniform(p.background), image.Point{}, draw.Src)
	for _, s := range p.shapes {
		s.draw(on, frame)
	}
}

type rect struct {
	image.Rectangle
	color color.RGBA
}

func (r rect) draw(on *image.RGBA, _ int) {
	draw.Draw(on, r.Rectangle, image.NewUniform(r.color), image.Point{}, draw.Src)
}

// disc is a ball that bounces off the edges.
type disc struct {
	x, y, radius, dx, dy int
	color                color.RGBA
}

func (d disc) draw(on *image.RGBA, frame int) {
	cx, cy := bounce(d.x+d.dx*frame, on.Rect.Dx()), bounce(d.y+d.dy*frame, on.Rect.Dy())
	for y := range on.Rect.Dy() {
		for x := range on.Rect.Dx() {
			if (x-cx)*(x-cx)+(y-cy)*(y-cy) <= d.radius*(d.radius+1) {
				on.SetRGBA(x, y, d.color)
			}
		}
	}
}

// bounce keeps a position between 0 and size-1.
func bounce(at, size int) int {
	period := 2 * (size - 1)
	at = ((at % period) + period) % period
	if at >= size {
		at = period - at
	}
	return at
}

// waves fill the picture.
type waves struct{}

func (waves) draw(on *image.RGBA, frame int) {
	f := float64(frame) / 8
	for y := range on.Rect.Dy() {
		for x := range on.Rect.Dx() {
			v := math.Sin(float64(x)/5+f) + math.Sin(float64(y)/4-f) + math.Sin(float64(x+y)/7+f/2)
			on.SetRGBA(x, y, color.RGBA{level(v), level(v + 2), level(v - 2), 255})
		}
	}
}

// level turns -3 to 3 into a part of a colour.
func level(v float64) uint8 { return uint8(127.5 + 127.5*math.Sin(v)) }
