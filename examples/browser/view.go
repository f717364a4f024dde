package main

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"unicode"
)

// viewLines is how many lines a terminal needs: the titles, and two rows of pixels each.
const viewLines = 1 + (tabHeight+1)/2

// view is what a terminal shows.
func (b *browser) view() string {
	titles, all := b.shown()
	if b.plain {
		return view(titles, all, shades)
	}
	return view(titles, all, halfBlocks)
}

func view(titles []string, all *image.RGBA, row func(b *strings.Builder, all *image.RGBA, y int)) string {
	var b strings.Builder
	for i, title := range titles {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", tabGap))
		}
		b.WriteString(cell(title))
	}
	b.WriteString("\x1b[K\n")
	for y := 0; y < all.Rect.Dy(); y += 2 {
		row(&b, all, y)
		b.WriteString("\x1b[K\n")
	}
	return b.String()
}

// halfBlocks shows two rows of pixels: the upper and lower half of each character has a
// pixel's colour.
func halfBlocks(b *strings.Builder, all *image.RGBA, y int) {
	var last [2]color.RGBA // zero, which no pixel is
	for x := range all.Rect.Dx() {
		halves := [2]color.RGBA{all.RGBAAt(x, y), all.RGBAAt(x, y+1)}
		if halves != last {
			up, down := halves[0], halves[1]
			fmt.Fprintf(b, "\x1b[38;2;%d;%d;%dm\x1b[48;2;%d;%d;%dm", up.R, up.G, up.B, down.R, down.G, down.B)
		}
		b.WriteString("▀")
		last = halves
	}
	b.WriteString("\x1b[0m")
}

// shades shows two rows of pixels without colours: the brighter, the more ink.
func shades(b *strings.Builder, all *image.RGBA, y int) {
	const ink = " .:-=+*#%@"
	for x := range all.Rect.Dx() {
		up, down := color.GrayModel.Convert(all.RGBAAt(x, y)), color.GrayModel.Convert(all.RGBAAt(x, y+1))
		bright := (int(up.(color.Gray).Y) + int(down.(color.Gray).Y)) / 2
		b.WriteByte(ink[bright*len(ink)/256])
	}
}

// cell is a title as wide as a tab. It comes from a page, so nothing of it may do more to
// a terminal than appear on it.
func cell(title string) string {
	runes := []rune(printable(title))
	if len(runes) > tabWidth {
		runes = append(runes[:tabWidth-1], '…')
	}
	return string(runes) + strings.Repeat(" ", tabWidth-len(runes))
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
