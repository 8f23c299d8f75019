//! Matrices of 8-bit weights and their product with rows of activations. In: rows of f32. Out: rows of f32. Cannot fail:
//! shapes are the caller's proof. Each output's weights share a scale, and so do each row's activations, as in
//! CTranslate2's int8. Sums are whole numbers, so a row's result depends neither on the rows beside it nor on the
//! processor.

mod product;

use super::kernels;

/// Outputs that are computed together: four AVX-512 registers of sums.
pub(super) const PANEL: usize = 64;
/// Inputs that one byte dot product takes.
const QUAD: usize = 4;
/// Zero, as activations are written.
const ZERO: i32 = 128;
const ZERO_BYTE: u8 = 128;

/// `outputs × inputs` weights.
#[derive(Default)]
pub(super) struct Q8Matrix {
    inputs: usize,
    outputs: usize,
    /// Panels of [`PANEL`] outputs; in each, one row for every four inputs: those four of the first output, of the second …
    packed: Vec<i8>,
    scales: Vec<f32>,
    /// What [`ZERO`] adds to each output's sum.
    offsets: Vec<i32>,
    bias: Vec<f32>,
    /// The row that is being set.
    row_bytes: Vec<u8>,
}

impl std::fmt::Debug for Q8Matrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Q8Matrix")
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

/// Activations as bytes, with each row's step.
#[derive(Debug, Default)]
pub(super) struct Q8Rows {
    bytes: Vec<u8>,
    steps: Vec<f32>,
}

impl Q8Rows {
    /// Writes `rows`, each `width` long.
    pub(super) fn fill(&mut self, rows: &[f32], width: usize) {
        self.fill_from(rows.chunks_exact(width), width);
    }

    pub(super) fn fill_from<'a>(&mut self, rows: impl Iterator<Item = &'a [f32]>, width: usize) {
        self.bytes.clear();
        self.steps.clear();
        for row in rows {
            let from = self.bytes.len();
            self.bytes.resize(from + width, 0);
            self.steps
                .push(kernels::quantize(row, &mut self.bytes[from..]));
        }
    }
}

impl Q8Matrix {
    /// From weights of one output after another; `bias` may be empty.
    pub(super) fn new(weights: &[f32], inputs: usize, bias: &[f32]) -> Self {
        let mut matrix = Self::default();
        matrix.start(inputs, weights.len() / inputs);
        matrix.bias[..bias.len()].copy_from_slice(bias);
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            matrix.set_row(output, row);
        }
        matrix
    }

    /// Makes it a matrix of zeros.
    pub(super) fn start(&mut self, inputs: usize, outputs: usize) {
        let padded = outputs.next_multiple_of(PANEL);
        (self.inputs, self.outputs) = (inputs, outputs);
        self.packed.clear();
        self.packed.resize(padded * inputs, 0);
        self.scales.clear();
        self.scales.resize(padded, 0.0);
        self.offsets.clear();
        self.offsets.resize(padded, 0);
        self.bias.clear();
        self.bias.resize(padded, 0.0);
    }

    /// Sets the weights of one output.
    pub(super) fn set_row(&mut self, output: usize, row: &[f32]) {
        self.row_bytes.resize(row.len(), 0);
        self.scales[output] = kernels::quantize(row, &mut self.row_bytes);
        let mut sum = 0;
        for (quad, bytes) in self.row_bytes.chunks_exact(QUAD).enumerate() {
            let place = place(self.inputs, output, quad * QUAD);
            for (to, byte) in self.packed[place..place + QUAD].iter_mut().zip(bytes) {
                *to = (byte ^ ZERO_BYTE).cast_signed();
                sum += i32::from(*to);
            }
        }
        self.offsets[output] = ZERO * sum;
    }

    /// Makes it the transpose of rows of [`PANEL`] columns: each column is an output, with a scale of its own.
    pub(super) fn fill_columns<'a>(
        &mut self,
        rows: impl Iterator<Item = &'a [f32]> + Clone,
        count: usize,
    ) {
        self.start(count.next_multiple_of(QUAD), PANEL);
        for row in rows.clone() {
            for (largest, x) in self.scales.iter_mut().zip(row) {
                *largest = largest.max(x.abs());
            }
        }
        let mut inverse = [0.0; PANEL];
        for (scale, inverse) in self.scales.iter_mut().zip(&mut inverse) {
            *scale /= 127.0;
            *inverse = if *scale > 0.0 { 1.0 / *scale } else { 0.0 };
        }
        for (input, row) in rows.enumerate() {
            let from = input / QUAD * PANEL * QUAD + input % QUAD;
            kernels::scatter(row, &inverse, &mut self.packed[from..]);
        }
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// The weights of one output, as they are stored.
    pub(super) fn row(&self, output: usize, out: &mut [f32]) {
        let scale = self.scales[output];
        for (input, out) in out.iter_mut().enumerate() {
            *out = f32::from(self.packed[place(self.inputs, output, input)]) * scale;
        }
    }

    /// `out` gets one row of outputs for each row of activations.
    pub(super) fn multiply(&self, rows: &Q8Rows, out: &mut [f32]) {
        product::multiply(self, rows, out);
    }

    /// Of a matrix of columns: rows of `out`, `stride` apart, get its outputs for weights of two bytes, times their share.
    pub(super) fn mix(&self, weights: &SplitRows, out: &mut [f32], stride: usize) {
        product::mix(self, weights, out, stride);
    }
}

/// Rows of weights between 0 and 65,535, as two bytes.
#[derive(Debug, Default)]
pub(super) struct SplitRows {
    high: Vec<u8>,
    low: Vec<u8>,
    /// What one step of a row is worth.
    shares: Vec<f32>,
}

impl SplitRows {
    /// Probabilities after rows of `count` scores; each row of bytes is `width` long, filled up with zeros.
    pub(super) fn fill(&mut self, scores: &[f32], count: usize, width: usize) {
        let rows = scores.len() / count;
        self.high.resize(rows * width, 0);
        self.low.resize(rows * width, 0);
        self.shares.clear();
        for (number, row) in scores.chunks_exact(count).enumerate() {
            let bytes = number * width..(number + 1) * width;
            let (high, low) = (&mut self.high[bytes.clone()], &mut self.low[bytes]);
            self.shares.push(kernels::split_softmax(row, high, low));
            high[count..].fill(0);
            low[count..].fill(0);
        }
    }
}

fn place(inputs: usize, output: usize, input: usize) -> usize {
    let panel = output / PANEL * inputs * PANEL;
    panel + input / QUAD * PANEL * QUAD + output % PANEL * QUAD + input % QUAD
}

#[cfg(test)]
mod tests;
