//! Products of f32 matrices. In: views of rows with a stride. Out: rows with a stride. Cannot fail: the views' bounds are
//! asserted. The work is the `gemm` crate's, on one thread, so that equal shapes give equal bits.

#![expect(
    unsafe_code,
    reason = "gemm takes pointers; the bounds are asserted before"
)]

use gemm::Parallelism;

/// `rows × columns` values, the element (r, c) at `r * row_stride + c * column_stride`.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a> View<'a> {
    pub(super) fn new(values: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        Self {
            values,
            rows,
            columns,
            row_stride,
            column_stride: 1,
        }
    }

    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// Rows of `out`, `row_stride` apart, become `left × right`.
pub(super) fn multiply(left: View<'_>, right: View<'_>, out: &mut [f32], row_stride: usize) {
    assert_eq!(left.columns, right.rows, "matching inner sizes");
    let (rows, columns) = (left.rows, right.columns);
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(columns <= row_stride && (rows - 1) * row_stride + columns <= out.len());
    for view in [left, right] {
        let last = (view.rows - 1) * view.row_stride + (view.columns - 1) * view.column_stride;
        assert!(last < view.values.len(), "a view within its values");
    }
    // SAFETY: every element that these sizes and strides name lies within its slice, as asserted; `out` is borrowed alone.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            left.columns,
            out.as_mut_ptr(),
            1,
            row_stride.cast_signed(),
            false,
            left.values.as_ptr(),
            left.column_stride.cast_signed(),
            left.row_stride.cast_signed(),
            right.values.as_ptr(),
            right.column_stride.cast_signed(),
            right.row_stride.cast_signed(),
            0.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_follow_strides_and_transposition() {
        let left = [1.0, 2.0, 0.0, 3.0, 4.0, 0.0];
        let right = [5.0, 6.0, 7.0, 8.0];
        let mut out = [9.0; 6];
        let (a, b) = (View::new(&left, 2, 2, 3), View::new(&right, 2, 2, 2));
        multiply(a, b, &mut out, 3);
        assert_eq!(out, [19.0, 22.0, 9.0, 43.0, 50.0, 9.0]);
        multiply(a, b.transposed(), &mut out, 3);
        assert_eq!(out, [17.0, 23.0, 9.0, 39.0, 53.0, 9.0]);
    }
}
