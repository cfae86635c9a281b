//! A drawing as a list of marks, and its rendering to SVG and PNG through the plotters backends.
//!
//! Coordinates are in logical pixels from the top left. The backends know only whole pixels, so everything is drawn
//! `SCALE` times larger: the PNG is sharp on dense screens, and the SVG shows finer steps in the same space.

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBAColor, ShapeStyle, TextStyle, register_font};

use super::palette::{PAPER, Paint};
use crate::failure::Failure;

const SCALE: f64 = 2.0;
/// The family that SVG viewers replace by their own; PNGs use the font registered under this name.
const FAMILY: &str = "sans-serif";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// One thing drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    Rectangle { corners: [(f64, f64); 2], paint: Paint },
    Polygon { points: Vec<(f64, f64)>, paint: Paint },
    Line { points: Vec<(f64, f64)>, paint: Paint, width: f64 },
    Text { at: (f64, f64), text: String, size: f64, bold: bool, anchor: Anchor, paint: Paint },
}

/// A picture: its size and its marks, the first at the bottom.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    /// What the picture shows, in words, for those who cannot see it.
    pub(super) title: String,
    pub(super) description: String,
    pub(super) marks: Vec<Mark>,
}

impl Drawing {
    pub(super) fn rectangle(&mut self, from: (f64, f64), to: (f64, f64), paint: Paint) {
        self.marks.push(Mark::Rectangle { corners: [from, to], paint });
    }

    pub(super) fn polygon(&mut self, points: Vec<(f64, f64)>, paint: Paint) {
        if points.len() > 2 {
            self.marks.push(Mark::Polygon { points, paint });
        }
    }

    pub(super) fn line(&mut self, points: Vec<(f64, f64)>, paint: Paint, width: f64) {
        if points.len() > 1 {
            self.marks.push(Mark::Line { points, paint, width });
        }
    }

    /// A vertical or horizontal line of dashes.
    pub(super) fn dashes(&mut self, from: (f64, f64), to: (f64, f64), paint: Paint, width: f64) {
        const DASH: f64 = 5.0;
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let point = |along: f64| {
            let share = (along / length).min(1.0);
            (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1))
        };
        for index in 0..(length / (1.6 * DASH)).ceil() as usize {
            let start = index as f64 * 1.6 * DASH;
            self.line(vec![point(start), point(start + DASH)], paint, width);
        }
    }

    pub(super) fn text(&mut self, at: (f64, f64), text: impl AsRef<str>, size: f64, anchor: Anchor, paint: Paint) {
        self.marks.push(Mark::Text { at, text: printable(text.as_ref()), size, bold: false, anchor, paint });
    }

    pub(super) fn bold(&mut self, at: (f64, f64), text: impl AsRef<str>, size: f64, anchor: Anchor, paint: Paint) {
        self.marks.push(Mark::Text { at, text: printable(text.as_ref()), size, bold: true, anchor, paint });
    }

    /// The picture as an SVG document, in which text stays text.
    pub(super) fn to_svg(&self) -> Result<String, Failure> {
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, self.pixels()).into_drawing_area();
        self.draw(&area)?;
        drop(area);
        // The backend writes neither a size apart from its pixels nor words for screen readers.
        let body = svg.split_once('>').map_or("", |(_, body)| body);
        let (pixel_width, pixel_height) = self.pixels();
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{}\" height=\"{}\" \
             viewBox=\"0 0 {pixel_width} {pixel_height}\">\n<title>{}</title>\n<desc>{}</desc>{body}",
            self.width,
            self.height,
            escape(&self.title),
            escape(&self.description),
        ))
    }

    /// The picture as a PNG file.
    pub(super) fn to_png(&self) -> Result<Vec<u8>, Failure> {
        let (width, height) = self.pixels();
        let mut pixels = vec![255; width as usize * height as usize * 3];
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        self.draw(&area)?;
        drop(area);
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&pixels))
            .map_err(|error| failed(&error))?;
        Ok(file)
    }

    fn pixels(&self) -> (u32, u32) {
        ((self.width * SCALE) as u32, (self.height * SCALE) as u32)
    }

    fn draw<Backend: DrawingBackend>(&self, area: &DrawingArea<Backend, Shift>) -> Result<(), Failure> {
        register_fonts()?;
        area.fill(&color(PAPER)).map_err(|error| failed(&error))?;
        for mark in &self.marks {
            draw_mark(area, mark).map_err(|error| failed(&error))?;
        }
        area.present().map_err(|error| failed(&error))
    }
}

fn draw_mark<Backend: DrawingBackend>(
    area: &DrawingArea<Backend, Shift>,
    mark: &Mark,
) -> Result<(), plotters::drawing::DrawingAreaErrorKind<Backend::ErrorType>> {
    match mark {
        Mark::Rectangle { corners, paint } => {
            area.draw(&Rectangle::new(corners.map(pixel), ShapeStyle::from(&color(*paint)).filled()))
        }
        Mark::Polygon { points, paint } => {
            area.draw(&Polygon::new(points.iter().copied().map(pixel).collect::<Vec<_>>(), color(*paint)))
        }
        Mark::Line { points, paint, width } => {
            let style = color(*paint).stroke_width((width * SCALE).round().max(1.0) as u32);
            area.draw(&PathElement::new(points.iter().copied().map(pixel).collect::<Vec<_>>(), style))
        }
        Mark::Text { at, text, size, bold, anchor, paint } => {
            let weight = if *bold { FontStyle::Bold } else { FontStyle::Normal };
            // Sizes are those of the em; plotters counts 1.24 em.
            let font = FontDesc::new(FontFamily::Name(FAMILY), size * SCALE * 1.24, weight);
            let horizontal = match anchor {
                Anchor::Start => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::End => HPos::Right,
            };
            let color = color(*paint);
            let style = TextStyle::from(font).color(&color).pos(Pos::new(horizontal, VPos::Center));
            area.draw(&Text::new(text.as_str(), pixel(*at), style))
        }
    }
}

fn register_fonts() -> Result<(), Failure> {
    let broken = |_| Failure::Work("the font inside this program cannot be read; please report this".to_owned());
    register_font(FAMILY, FontStyle::Normal, dejavu::sans_condensed::regular()).map_err(broken)?;
    register_font(FAMILY, FontStyle::Bold, dejavu::sans_condensed::bold()).map_err(broken)
}

fn pixel((x, y): (f64, f64)) -> (i32, i32) {
    ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
}

fn color(paint: Paint) -> RGBAColor {
    RGBAColor(paint.red, paint.green, paint.blue, paint.opacity)
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::Work(format!("the plot could not be drawn: {error}"))
}

/// Text without control characters, which XML forbids and fonts do not have.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// Text as the content of an XML element.
fn escape(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
