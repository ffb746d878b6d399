//! Kill points of the TypeScript side, in the build of `npm run torture`.

use napi_derive::napi;

/// A place where the process may die (`sgring_kill_points`).
#[napi(catch_unwind)]
pub fn kill_point(place: String) {
    sgring_kill_points::kill_point_at(&place);
}

/// How many kill points were passed so far.
#[napi(catch_unwind)]
pub fn kill_point_passes() -> f64 {
    sgring_kill_points::passes() as f64
}
