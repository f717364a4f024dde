package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
)

// How the tabs' pictures lie side by side, in pixels, and how large a pixel is in a PNG.
const (
	tabGap   = 2
	pngScale = 8
)

var (
	frameColor = color.RGBA{60, 60, 60, 255}
	awColor    = color.RGBA{200, 200, 205, 255} // behind a tab that has died
	awInk      = color.RGBA{90, 90, 100, 255}
)

// aw is what a tab says when its process has died or hangs.
var aw = strings.Fields(`
	..###.........
	.#...#........
	.#...#.#...#..
	.#####.#...#..
	.#...#.#.#.#..
	.#...#.##.##..
	.#...#.#...#..
`)

// awPicture is the picture of a tab that has died.
func awPicture() *image.RGBA {
	p := newPicture()
	draw.Draw(p, p.Rect, image.NewUniform(awColor), image.Point{}, draw.Src)
	left, top := (tabWidth-len(aw[0]))/2, (tabHeight-len(aw))/2
	for y, row := range aw {
		for x, dot := range row {
			if dot == '#' {
				p.SetRGBA(left+x, top+y, awInk)
			}
		}
	}
	return p
}

// pictureSize is how many bytes a tab's picture has in shared memory: 4 a pixel, red,
// green, blue and alpha.
const pictureSize = tabWidth * tabHeight * 4

// pictureIn is the picture that memory holds.
func pictureIn(memory []byte) (*image.RGBA, error) {
	if len(memory) < pictureSize {
		return nil, fmt.Errorf("%d bytes hold no picture of %d", len(memory), pictureSize)
	}
	return &image.RGBA{Pix: memory[:pictureSize], Stride: tabWidth * 4, Rect: image.Rect(0, 0, tabWidth, tabHeight)}, nil
}

func newPicture() *image.RGBA { return image.NewRGBA(image.Rect(0, 0, tabWidth, tabHeight)) }

// sideBySide joins the pictures of the tabs.
func sideBySide(pictures []*image.RGBA) *image.RGBA {
	width := max(len(pictures)*(tabWidth+tabGap)-tabGap, tabWidth)
	all := image.NewRGBA(image.Rect(0, 0, width, tabHeight))
	draw.Draw(all, all.Rect, image.NewUniform(frameColor), image.Point{}, draw.Src)
	for i, p := range pictures {
		at := image.Pt(i*(tabWidth+tabGap), 0)
		draw.Draw(all, p.Rect.Add(at), p, image.Point{}, draw.Src)
	}
	return all
}

// encodePNG returns the picture, enlarged, as a PNG.
func encodePNG(p *image.RGBA) ([]byte, error) {
	large := image.NewRGBA(image.Rect(0, 0, p.Rect.Dx()*pngScale, p.Rect.Dy()*pngScale))
	for y := range large.Rect.Dy() {
		for x := range large.Rect.Dx() {
			large.SetRGBA(x, y, p.RGBAAt(x/pngScale, y/pngScale))
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, large)
	return b.Bytes(), err
}
