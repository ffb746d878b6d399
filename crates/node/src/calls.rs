//! Functions that JavaScript calls for each batch of a pair's queues.
//!
//! For a method of a class napi-rs looks its object up, checks what it is, and notes under a lock that it is borrowed, which takes several times as
//! long as such a call's own work. A function is made once, and has its share of the object with it. (`npm run bench -- --only batch,device`)

use crate::error::{self, Coded};
use core::cell::RefCell;
use napi::Env;
use napi::bindgen_prelude::{FromNapiValue, Function, JsValuesTupleIntoVec, ToNapiValue};
use sgring_task::Violation;
use std::rc::Rc;

/// What an object and its functions share, on the one thread that they all belong to. No borrow is held while JavaScript runs, and what a
/// garbage collection finalizes borrows nothing.
pub(crate) type Shared<T> = Rc<RefCell<T>>;

/// A function of one argument. What it fails with, and a panic, is thrown; codes of our own are for the methods that set something up.
pub(crate) fn function<'env, A, R>(
    env: &'env Env,
    name: &str,
    call: impl Fn(A) -> napi::Result<R> + 'static,
) -> Result<Function<'env, A, R>, Coded>
where
    A: FromNapiValue + JsValuesTupleIntoVec,
    R: ToNapiValue,
{
    env.create_function_from_closure(name, move |context| call(context.first_arg()?))
        .map_err(error::napi)
}

/// What a call says that has nothing to count: 0, or the violation's number. A closed pair does nothing.
pub(crate) fn violation(done: Option<Result<(), Violation>>) -> u32 {
    match done {
        Some(Err(violation)) => u32::from(violation.number()),
        _ => 0,
    }
}

/// What a call says that counts: how many, or minus the violation's number. Of a closed pair there are none.
pub(crate) fn counted(done: Option<Result<usize, Violation>>) -> i32 {
    match done {
        Some(Ok(count)) => count as i32,
        Some(Err(violation)) => -i32::from(violation.number()),
        None => 0,
    }
}
