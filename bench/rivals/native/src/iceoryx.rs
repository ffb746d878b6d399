//! iceoryx2's request and response, by its slices; the tag is the request's own header.

use crate::exchange::{Client, Group, Maker, Server, Setting};
use crate::fail;
use core::fmt::Display;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use iceoryx2::active_request::ActiveRequest;
use iceoryx2::pending_response::PendingResponse;
use iceoryx2::port::{client::Client as IceClient, server::Server as IceServer};
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::PortFactory as _;
use iceoryx2::service::port_factory::request_response::PortFactory;
use std::collections::VecDeque;

/// Requests of bytes with a tag, responses that are a tag.
type Factory = PortFactory<ipc::Service, [u8], u64, u64, ()>;

/// Each connection has a service of its own.
static SERVICES: AtomicU32 = AtomicU32::new(0);

/// The client's side.
pub(crate) struct Asks {
    // Dropped in this order.
    under_way: VecDeque<PendingResponse<ipc::Service, [u8], u64, u64, ()>>,
    port: IceClient<ipc::Service, [u8], u64, u64, ()>,
    _factory: (Factory, Node<ipc::Service>),
}

/// The server's side.
pub(crate) struct Answers {
    taken: VecDeque<ActiveRequest<ipc::Service, [u8], u64, u64, ()>>,
    port: IceServer<ipc::Service, [u8], u64, u64, ()>,
    _factory: (Factory, Node<ipc::Service>),
    /// As the server's own.
    buffer: Vec<u8>,
}

/// Each side makes its own, where it is: ports belong to a thread, and nodes to a process.
pub(crate) fn group(setting: &Setting) -> Group<Asks, Answers> {
    let connection = |_| {
        let number = SERVICES.fetch_add(1, Relaxed);
        let name = format!("sgring-rivals/{}/{number}", std::process::id());
        let (for_client, for_server) = (setting.clone(), setting.clone());
        let service = name.clone();
        let client: Maker<Asks> = Box::new(move || Asks::new(&service, &for_client));
        let server: Maker<Answers> = Box::new(move || Answers::new(&name, &for_server));
        (client, server)
    };
    let (clients, servers) = (0..setting.producers).map(connection).unzip();
    Group { clients, servers }
}

fn service(name: &str, setting: &Setting) -> (Factory, Node<ipc::Service>) {
    set_log_level(LogLevel::Error);
    let node = worked(NodeBuilder::new().create::<ipc::Service>());
    let name: ServiceName = worked(name.try_into());
    let factory = worked(
        node.service_builder(&name)
            .request_response::<[u8], u64>()
            .request_user_header::<u64>()
            .max_active_requests_per_client(setting.depth)
            .max_response_buffer_size(1)
            .max_loaned_requests(2)
            .max_clients(1)
            .max_servers(1)
            .max_nodes(2)
            .open_or_create(),
    );
    (factory, node)
}

fn worked<T, E: Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| fail(format_args!("iceoryx2: {error}")))
}

impl Asks {
    fn new(name: &str, setting: &Setting) -> Self {
        let (factory, node) = service(name, setting);
        let slice_len = setting.payload.max(1);
        let builder = factory.client_builder().initial_max_slice_len(slice_len);
        let port = worked(builder.create());
        // A request that comes before its server is lost.
        while factory.dynamic_config().number_of_servers() == 0 {
            std::thread::yield_now();
        }
        Self {
            under_way: VecDeque::with_capacity(setting.depth),
            port,
            _factory: (factory, node),
        }
    }
}

impl Client for Asks {
    fn send(&mut self, tag: u64, payload: &[u8]) {
        let mut request = worked(self.port.loan_slice_uninit(payload.len()));
        *request.user_header_mut() = tag;
        let request = request.write_from_slice(payload);
        self.under_way.push_back(worked(request.send()));
    }

    fn take(&mut self, mut response: impl FnMut(u64)) {
        // The server answers in order.
        while let Some(first) = self.under_way.front() {
            let Some(answer) = worked(first.receive()) else {
                return;
            };
            response(*answer.payload());
            self.under_way.pop_front();
        }
    }
}

impl Answers {
    fn new(name: &str, setting: &Setting) -> Self {
        let (factory, node) = service(name, setting);
        Self {
            taken: VecDeque::with_capacity(setting.depth),
            port: worked(factory.server_builder().create()),
            _factory: (factory, node),
            buffer: vec![0; setting.payload],
        }
    }
}

impl Server for Answers {
    fn take(&mut self, mut request: impl FnMut(u64, &[u8])) {
        while let Some(active) = worked(self.port.receive()) {
            let bytes = active.payload();
            let Some(buffer) = self.buffer.get_mut(..bytes.len()) else {
                fail(format_args!("a request of {} bytes came", bytes.len()));
            };
            buffer.copy_from_slice(bytes);
            request(*active.user_header(), buffer);
            self.taken.push_back(active);
        }
    }

    fn answer(&mut self, tag: u64) {
        match self.taken.pop_front() {
            Some(active) => worked(active.send_copy(tag)),
            None => fail("more responses than requests"),
        }
    }
}
