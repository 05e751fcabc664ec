/** Begins the names of topics that the hub itself publishes: nobody else can, since they are no http or https URLs. */
const PRESENCE = 'hub:presence:';

/** The topic that tells who comes to this topic and goes. */
export function presenceTopicOf(topic: string): string {
  return PRESENCE + topic;
}

/** The topic that a topic of the hub's own is about; whoever may read the one may read the other. Of any other, itself. */
export function topicAbout(topic: string): string {
  return topic.startsWith(PRESENCE) ? topic.slice(PRESENCE.length) : topic;
}
