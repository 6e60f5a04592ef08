//! Sockets of every family, and what the ones that were given could do.

mod accept;
mod alg;
mod any_family;
mod bind_an_abstract_name;
mod bluetooth;
mod can;
mod connect_to_an_abstract_name;
mod hold_the_peer;
mod inet;
mod inet6;
mod inet_datagram;
mod listen;
mod many_messages;
mod name_of_the_peer;
mod netlink;
mod option;
mod packet;
mod pair_of_another_family;
mod pass_a_descriptor;
mod raw;
mod rds;
mod send_to_an_abstract_name;
mod take_a_descriptor;
mod tipc;
mod unix;
mod vsock;
mod who_is_the_peer;
mod xdp;

acts! {
    accept
    alg
    any_family
    bind_an_abstract_name
    bluetooth
    can
    connect_to_an_abstract_name
    hold_the_peer
    inet
    inet6
    inet_datagram
    listen
    many_messages
    name_of_the_peer
    netlink
    option
    packet
    pair_of_another_family
    pass_a_descriptor
    raw
    rds
    send_to_an_abstract_name
    take_a_descriptor
    tipc
    unix
    vsock
    who_is_the_peer
    xdp
}
